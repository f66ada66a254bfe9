"""A model as ONNX: a graph from words to emissions, and in its metadata all that decoding needs.

It is one file for itself, or one in the model's folder, which finds words and their vectors in the files that
are there (as external data: any runtime that knows the format reads it). `rnner.export.runtime` runs both without
torch; the keys of the metadata stand there. The graph takes, for b
sentences of up to t words with n distinct forms of up to c characters (int64 unless said to be float32; what
the model has no use for is not there):

    words [n]                the row of each form; 0 if it is composed
    casing [n]               the casing class of each form
    characters [n, c]        the characters of each form, 0 in the padding
    forms [b, t]             which form stands at each position
    lengths [b]              words in each sentence
    lexicon [b, t, l]        float32, what the lexicon knows of each word
    composed [q]             which forms are composed
    pieces, weights [q, p]   of which rows, and weighted how (float32); 0 in the padding
    document_words [m]       the distinct words of d documents, and, as above, those that are composed:
    document_composed, document_pieces, document_weights
    counts [d, m]            float32, how often each stands in each document
    document_of [b]          the document of each sentence

and gives `emissions` [b, t, k], float32, of no meaning in the padding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from rnner import __version__
from rnner.data.vocabulary import Vocabulary
from rnner.errors import ModelError, UsageError
from rnner.export import runtime
from rnner.export.graph import Graph
from rnner.export.operators import add_tagger
from rnner.model.file_names import ONNX, WEIGHTS
from rnner.model.folder import LoadedModel
from rnner.model.tagger import Tagger
from rnner.system.files import write_atomically

if TYPE_CHECKING:  # an extra
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8
_MOST_BYTES = (1 << 31) - (1 << 24)  # of a file that is one protocol buffer


def export(bundle: LoadedModel, path: Path) -> None:
    """Write a model as one ONNX file, whole or not at all; its folder is made.

    Raises:
        UsageError: onnx is not installed, or the file cannot be written.
        ModelError: the model has a cell that ONNX has no operator for, or is too large for one file.
    """
    _write(path, to_onnx(bundle.tagger, bundle.vocabulary))


def export_beside(bundle: LoadedModel) -> Path:
    """Write a model's graph into its folder, without what the folder's other files hold; where it is now.

    Raises:
        UsageError, ModelError: as `export` does.
    """
    path = bundle.folder / ONNX
    rows = np.arange(bundle.vocabulary.rows - len(bundle.vocabulary.words))
    told = {runtime.FILES: json.dumps(runtime.digests(bundle.folder))}
    model = _to_onnx(bundle.tagger, bundle.vocabulary, rows, told)
    _take_out(model, bundle.folder / WEIGHTS)
    _write(path, model)
    return path


def to_onnx(tagger: Tagger, vocabulary: Vocabulary) -> ModelProto:
    """The model as ONNX's protocol buffer; raises as `export` does."""
    order = _Order(vocabulary)
    return _to_onnx(tagger, vocabulary, order.rows, _words(vocabulary, order))


def _write(path: Path, model: ModelProto) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model.SerializeToString())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _to_onnx(
    tagger: Tagger, vocabulary: Vocabulary, rows: NDArray[np.int64], told: Mapping[str, str]
) -> ModelProto:
    """The model with its frozen rows in an order, and what else its metadata are to tell."""
    try:
        from onnx import helper
    except ImportError:
        raise UsageError('exporting needs onnx: pip install "rnner[onnx]"') from None
    if sum(tensor.nbytes for tensor in tagger.state_dict().values()) > _MOST_BYTES:
        raise ModelError(
            "the model is larger than the 2 GB that an ONNX file can hold; train with fewer word vectors, "
            "embeddings.words.limit"
        )
    graph = Graph()
    lexicon = vocabulary.lexicon.size if vocabulary.lexicon is not None else 0
    with torch.no_grad():
        add_tagger(graph, tagger, rows, composes=vocabulary.n_grams is not None, lexicon=lexicon)
    model = helper.make_model(
        graph.proto("rnner", emissions=["b", "t", len(vocabulary.tags)]),
        producer_name="rnner",
        producer_version=__version__,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    # JSON has no infinity; which moves are illegal, the scheme tells.
    scores = tagger.head.scores().detach().cpu()
    moves = json.dumps(scores.masked_fill(scores.isneginf(), 0).tolist())
    kind = {runtime.KIND: runtime.FORMAT_VERSION, runtime.VERSION: __version__}
    if tagger.head.threshold is not None:
        kind[runtime.THRESHOLD] = str(tagger.head.threshold)
    if tagger.agreement is not None:
        kind[runtime.AGREEMENT] = str(tagger.agreement)
    helper.set_model_props(model, {**kind, runtime.MOVES: moves, **told})
    return model


def _take_out(model: ModelProto, weights: Path) -> None:
    """Let the tables of words be those of a file of weights, whose bytes they are."""
    from onnx.external_data_helper import set_external_data

    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    for constant in model.graph.initializer:
        if constant.name in runtime.SHARED:
            start, end = header[runtime.SHARED[constant.name]]["data_offsets"]
            set_external_data(constant, weights.name, offset=8 + size + start, length=end - start)
            constant.ClearField("raw_data")


class _Order:
    """Frozen rows as the file has them: words and n-grams by code points, so that bisection finds them.

    Attributes:
        words, n_grams: in that order.
        rows: [m] which rows of `WordEmbedding.vectors` come one after the other.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        words, n_grams = list(vocabulary.vector_words), list(vocabulary.n_grams or [])
        by_word = sorted(range(len(words)), key=words.__getitem__)
        by_gram = sorted(range(len(n_grams)), key=n_grams.__getitem__)
        self.words, self.n_grams = [words[i] for i in by_word], [n_grams[i] for i in by_gram]
        mean = [] if vocabulary.n_grams is None else [len(words) + len(n_grams)]
        self.rows = np.array([*by_word, *(len(words) + i for i in by_gram), *mean], dtype=np.int64)


def _words(vocabulary: Vocabulary, order: _Order) -> dict[str, str]:
    """The vocabulary as metadata."""
    described = vocabulary.to_json() | {"vector_words": []}
    grams = described.pop("n_grams", None)
    told = {
        runtime.VOCABULARY_KEY: json.dumps(described, ensure_ascii=False),
        runtime.VECTOR_WORDS: _lines(order.words),
    }
    return told if grams is None else told | {runtime.N_GRAMS: _lines(order.n_grams)}


def _lines(words: Sequence[str]) -> str:
    return "".join(f"{word}\n" for word in words)
