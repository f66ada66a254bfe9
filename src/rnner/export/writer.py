"""Export to ONNX: a graph from words to emissions, with everything else for decoding in its metadata.

The result is either a standalone file or a file in the model folder that refers to the words and vectors of
the other files (as ONNX external data, which any runtime can read). `rnner.export.runtime` runs both without
torch and defines the metadata keys.

The graph takes these inputs, for b sentences of up to t words with n distinct forms of up to c characters.
They are int64 unless marked as float32. Inputs that a model does not need are absent.

    words [n]                the row of each form's vector; 0 if the form is composed
    casing [n]               the casing class of each form
    characters [n, c]        the characters of each form, 0 in the padding
    forms [b, t]             the form at each position
    lengths [b]              the number of words of each sentence
    lexicon [b, t, l]        float32, the lexicon features of each word
    composed [q]             the forms that are composed of pieces
    pieces, weights [q, p]   the rows of the pieces, and their weights (float32); 0 in the padding
    document_words [m]       the rows of the distinct words of d documents; for composed ones, as above:
    document_composed, document_pieces, document_weights
    counts [d, m]            float32, the count of each word in each document
    document_of [b]          the document of each sentence

The output is `emissions` [b, t, k], float32, arbitrary in the padding.
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
from rnner.export.onnx_file import CHECKSUM_KEY, NO_CHECKSUM, with_checksum
from rnner.export.operators import add_tagger
from rnner.model.file_names import ONNX, WEIGHTS
from rnner.model.folder import LoadedModel
from rnner.model.manifest import replacing
from rnner.model.tagger import Tagger
from rnner.system.files import write_atomically

if TYPE_CHECKING:  # an optional dependency
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8
_MAX_BYTES = (1 << 31) - (1 << 24)  # maximum size of a protocol buffer, less a margin


def export_standalone(model: LoadedModel, path: Path) -> None:
    """Write a model as a standalone ONNX file, atomically; missing folders are created.

    Raises:
        UsageError: onnx is not installed, or the file cannot be written.
        ModelError: ONNX has no operator for the model's cell, or the model is too large for one file.
    """
    _write(path, to_onnx(model.tagger, model.vocabulary))


def export_into_folder(model: LoadedModel) -> Path:
    """Write the graph of a model into its folder, without data that other files hold; return the new path.

    Raises:
        UsageError, ModelError: as for `export_standalone`.
    """
    path = model.folder / ONNX
    rows = np.arange(model.vocabulary.rows - len(model.vocabulary.words))
    metadata = {runtime.FILES_KEY: json.dumps(runtime.digests(model.folder))}
    proto = _to_onnx(model.tagger, model.vocabulary, rows, metadata)
    _refer_to_weights(proto, model.folder / WEIGHTS)
    with replacing(model.folder, ONNX):
        _write(path, proto)
    return path


def to_onnx(tagger: Tagger, vocabulary: Vocabulary) -> ModelProto:
    """Return a model as an ONNX protocol buffer; raises as `export_standalone` does.

    Words and n-grams are sorted by code points, so that the runtime finds them by bisection.
    """
    words, n_grams = list(vocabulary.vector_words), list(vocabulary.n_grams or [])
    by_word = sorted(range(len(words)), key=words.__getitem__)
    by_n_gram = sorted(range(len(n_grams)), key=n_grams.__getitem__)
    mean = [] if vocabulary.n_grams is None else [len(words) + len(n_grams)]
    rows = np.array([*by_word, *(len(words) + i for i in by_n_gram), *mean], dtype=np.int64)
    description = vocabulary.to_json() | {"vector_words": []}
    description.pop("n_grams", None)
    metadata = {
        runtime.VOCABULARY_KEY: json.dumps(description, ensure_ascii=False),
        runtime.VECTOR_WORDS_KEY: _lines([words[i] for i in by_word]),
    }
    if vocabulary.n_grams is not None:
        metadata[runtime.N_GRAMS_KEY] = _lines([n_grams[i] for i in by_n_gram])
    return _to_onnx(tagger, vocabulary, rows, metadata)


def _lines(words: Sequence[str]) -> str:
    return "".join(f"{word}\n" for word in words)


def _write(path: Path, model: ModelProto) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, with_checksum(model.SerializeToString()))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _to_onnx(
    tagger: Tagger, vocabulary: Vocabulary, rows: NDArray[np.int64], metadata: Mapping[str, str]
) -> ModelProto:
    """Return a model whose frozen vectors are in the order `rows`, with `metadata` besides the usual keys."""
    try:
        from onnx import helper
    except ImportError:
        raise UsageError('exporting needs onnx: pip install "rnner[onnx]"') from None
    if sum(tensor.nbytes for tensor in tagger.state_dict().values()) > _MAX_BYTES:
        raise ModelError(
            "the model is larger than the 2 GB that an ONNX file can hold; train with fewer word vectors "
            "(embeddings.words.limit)"
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
    # JSON has no infinity; illegal transitions follow from the tag scheme.
    scores = tagger.head.transition_scores().detach().cpu()
    transitions = json.dumps(scores.masked_fill(scores.isneginf(), 0).tolist())
    common = {runtime.FORMAT_KEY: runtime.FORMAT_VERSION, runtime.VERSION_KEY: __version__}
    shares = {runtime.THRESHOLD_KEY: tagger.head.threshold, runtime.AGREEMENT_KEY: tagger.agreement}
    common |= {key: str(share) for key, share in shares.items() if share is not None}
    props = {**common, runtime.TRANSITIONS_KEY: transitions, **metadata, CHECKSUM_KEY: NO_CHECKSUM}
    helper.set_model_props(model, props)
    return model


def _refer_to_weights(model: ModelProto, weights: Path) -> None:
    """Replace the shared tables with references to the same bytes in the weights file."""
    from onnx.external_data_helper import set_external_data

    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    for constant in model.graph.initializer:
        if constant.name in runtime.SHARED_TABLES:
            start, end = header[runtime.SHARED_TABLES[constant.name]]["data_offsets"]
            set_external_data(constant, weights.name, offset=8 + size + start, length=end - start)
            constant.ClearField("raw_data")
