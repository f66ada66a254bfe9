"""Models exported to ONNX, run by onnxruntime: all that prediction needs in one file, and no torch.

`rnner.export.writer` writes such files, and its text says what the graph takes. What is no computation of the graph
stands in the file's metadata, by the keys below. A file in a model's folder has neither words nor their
vectors: they are read from the files that it lies beside, once it is seen that these are what they were.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnner import tags
from rnner.data.batches import Bags, Batch, Composition, Floats, Integers
from rnner.data.vocabulary import Vocabulary
from rnner.data.word_index import SortedWords
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.decoding.decoder import Decoder
from rnner.errors import ModelError, UsageError
from rnner.model.file_names import CONFIG, ONNX, VOCABULARY, WEIGHTS

if TYPE_CHECKING:  # an extra: it is looked for when a model is loaded
    from onnxruntime import InferenceSession

Arrays = dict[str, NDArray[Any]]

FORMAT_VERSION = "1"
KIND = "rnner.format_version"
VERSION = "rnner.version"
VOCABULARY_KEY = "rnner.vocabulary"  # JSON, as in vocabulary.json, but for the two lists that follow
VECTOR_WORDS = "rnner.vector_words"  # a line each, in the order of code points
N_GRAMS = "rnner.n_grams"  # the same; not there if words are not composed
FILES = "rnner.files"  # of a file in a folder, in the place of these: JSON, SHA-256 of the files beside it
THRESHOLD = "rnner.threshold"  # what entities must be more probable than; not there if nothing
AGREEMENT = "rnner.agreement"  # the share of its scores that a word has in common with its like; likewise
MOVES = "rnner.moves"  # JSON, [k + 1, k + 1]: scores of moves between tags, as in rnner.nn.crf.loss

SHARED = {
    "frozen_vectors": "words.vectors",
    "frozen_scales": "words.scales",
    "trained_vectors": "words.weight",
}
"""Tables of such a graph that are in the folder's weights, and their names there."""

_COMPOSED = ("composed", "pieces", "weights")
_COMPOSED_KEY = 1 << 40  # above all rows


def is_onnx_file(model: Path | str) -> bool:
    """Whether a model is one of `rnner export`, by its name, and no folder."""
    return Path(model).suffix == ".onnx" and not Path(model).is_dir()


def choose_backend(path: Path, backend: str, *, soon: bool = False) -> Path:
    """The form of a model that a backend reads: the folder, or the file that `rnner export` has put into it.

    Args:
        path: a model's folder, or a file of `rnner export`.
        backend: torch, onnx, or auto: what `path` is, but with `soon` the form for onnx if it is to be had.
        soon: starting at once matters more than speed afterwards.

    Raises:
        UsageError: the model does not have that form.
    """
    exported = path if is_onnx_file(path) else path / ONNX
    if backend == "torch" and exported == path:
        raise UsageError(f"{path}: --backend torch reads the folder that it was exported from")
    if backend == "onnx" and not exported.exists():
        raise UsageError(f"{path}: has no form for onnx; `rnner export {path}` adds it")
    installed = find_spec("onnxruntime") is not None
    chosen = backend == "onnx" or (backend == "auto" and soon and exported.is_file() and installed)
    return exported if chosen else path


def load_onnx(path: Path | str, *, threads: int | None = None, **limits: int) -> OnnxDecoder:
    """Load a model that `rnner export` has written.

    Args:
        path: the file.
        threads: CPU threads; None: onnxruntime's choice.
        limits: `sentences`, `tokens` and `window` of `rnner.decoding.decoder.Decoder`.

    Raises:
        UsageError: onnxruntime is not installed.
        ModelError: there is no such file, or it is broken or foreign, or what it lies beside has changed; the
            message says what to do.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file; `rnner export DIR {path.name}` writes one")
    session = _session(path, threads)
    metadata = session.get_modelmeta().custom_metadata_map
    if KIND not in metadata:
        raise ModelError(f"{path}: is an ONNX model, but none that `rnner export` has written")
    if metadata[KIND] != FORMAT_VERSION:
        raise ModelError(
            f"{path}: its format is {metadata[KIND]!r}, this rnner reads {FORMAT_VERSION}: export it again"
        )
    if FILES in metadata and not _as_it_was(path.parent, metadata[FILES]):
        again = f"`rnner export {path.parent} --overwrite` writes it anew"
        raise ModelError(f"{path}: the files beside it have changed since it was written; {again}")
    try:
        vocabulary = _vocabulary(metadata, path.parent)
        moves = _legal(json.loads(metadata[MOVES]), vocabulary)
        threshold, agreement = (_share(metadata, key) for key in (THRESHOLD, AGREEMENT))
        _check(session, vocabulary)
    except (ModelError, KeyError, ValueError, TypeError, RecursionError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{path}: is damaged ({why}); export it again") from None
    return OnnxDecoder(path, session, vocabulary, moves, threshold, agreement, **limits)


def digests(folder: Path) -> dict[str, str]:
    """What tells whether the files that a graph lies beside are those that it was made from."""
    files = (CONFIG, VOCABULARY, WEIGHTS)
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def _as_it_was(folder: Path, files: str) -> bool:
    """Whether the files in a folder have the digests that were written down, as JSON."""
    try:
        return bool(json.loads(files) == digests(folder))
    except (ValueError, RecursionError, OSError):
        return False


def _tables(path: Path) -> Arrays:
    """The tables that a graph in a folder has there, by their names in the graph; none if it stands alone."""
    weights = path.parent / WEIGHTS
    if path.name != ONNX or not weights.is_file() or FILES.encode() not in path.read_bytes():
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            there = set(file.keys())
            return {name: file.get_tensor(kept) for name, kept in SHARED.items() if kept in there}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{weights}: is broken or cut off ({error}); copy the model folder again") from None


def _session(path: Path, threads: int | None) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(f'{path}: needs onnxruntime: pip install "rnner[onnx]"') from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # what goes wrong is told by exceptions
    if tables := _tables(path):
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(table) for table in tables.values()]
        options.add_external_initializers(list(tables), values)
    try:
        source = path.read_bytes() if tables else path  # as bytes it can have no other file read
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of a dozen classes of its own
        why = str(error).partition("\n")[0]
        if "external data" in why.lower():
            alone = "`rnner export DIR OUT.onnx` writes a file that stands alone"
            raise ModelError(f"{path}: is apart from the folder that has its words; {alone}") from None
        raise ModelError(f"{path}: is broken or cut off ({why}); export it again") from None


def _vocabulary(metadata: dict[str, str], folder: Path) -> Vocabulary:
    """The vocabulary, whose long lists are read where they stand; raises what `load_onnx` tells."""
    if FILES in metadata:
        return Vocabulary.from_json(json.loads((folder / VOCABULARY).read_text(encoding="utf-8")))
    vocabulary = Vocabulary.from_json({**json.loads(metadata[VOCABULARY_KEY]), "vector_words": []})
    grams = metadata.get(N_GRAMS)
    return replace(
        vocabulary,
        vector_words=SortedWords(metadata[VECTOR_WORDS]),
        n_grams=None if grams is None else SortedWords(grams),
    )


def _legal(scores: object, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """The scores of moves [k + 1, k + 1], -inf where the scheme does not allow them."""
    moves = np.array(scores, dtype=np.float32)
    k = len(vocabulary.tags)
    if moves.shape != (k + 1, k + 1) or not np.isfinite(moves).all():
        raise ValueError(f"the moves between tags are no numbers [{k + 1}, {k + 1}]")
    start, step, end = tags.transitions(vocabulary.tags, vocabulary.scheme)
    allowed = np.block([[np.array(step), np.array(end)[:, None]], [np.array(start), np.array([False])]])
    return np.where(allowed, moves, np.float32(-np.inf))


def _share(metadata: dict[str, str], key: str) -> float | None:
    """A number between 0 and 1 from the metadata, None if it is not there; ValueError for another one."""
    share = float(metadata[key]) if key in metadata else None
    if share is not None and not 0 < share < 1:
        raise ValueError(f"{key} is {share}, not between 0 and 1")
    return share


def _check(session: InferenceSession, vocabulary: Vocabulary) -> None:
    """Raise a ValueError if the graph wants what cannot be given, or gives scores of other tags."""
    known = {"words", "casing", "characters", "forms", "lengths", "document_words", "counts", "document_of"}
    known |= {"lexicon"} if vocabulary.lexicon is not None else set()
    if vocabulary.n_grams is not None:
        known |= {prefix + name for prefix in ("", "document_") for name in _COMPOSED}
    if unknown := {wanted.name for wanted in session.get_inputs()} - known:
        raise ValueError(f"its graph takes {', '.join(sorted(unknown))}")
    if [(given.name, given.shape[-1]) for given in session.get_outputs()] != [
        ("emissions", len(vocabulary.tags))
    ]:
        raise ValueError(f"its graph does not give the emissions of {len(vocabulary.tags)} tags")


class OnnxDecoder(Decoder):
    """Finds entities with an exported model; see `Decoder`, and `load_onnx` for the arguments."""

    def __init__(
        self,
        path: Path,
        session: InferenceSession,
        vocabulary: Vocabulary,
        moves: NDArray[np.float32],
        threshold: float | None,
        agreement: float | None,
        **limits: int,
    ) -> None:
        super().__init__(vocabulary, **limits)
        self._path, self._session, self._moves = path, session, moves
        self._threshold, self._agreement = threshold, agreement
        self._boundary = np.array(tags.boundaries(vocabulary.tags, vocabulary.scheme))
        self._inputs = [wanted.name for wanted in session.get_inputs()]

    @property
    def documents(self) -> bool:
        """Whether the model looks at whole documents."""
        return "counts" in self._inputs

    @property
    def threshold(self) -> float | None:
        """What entities must be more probable than; None: those of the most probable tags are found."""
        return self._threshold

    @property
    def agreement(self) -> float | None:
        """The share of its scores that a word has in common with its like, see `rnner.decoding.agreement`."""
        return self._agreement

    def lattice(self, batch: Batch[NDArray[Any]]) -> NumpyLattice:
        """What the model makes of a batch."""
        given = inputs(batch)
        try:
            (emissions,) = self._session.run(["emissions"], {name: given[name] for name in self._inputs})
        except Exception as error:  # of a dozen classes of its own
            why = str(error).partition("\n")[0]
            raise ModelError(f"{self._path}: cannot be run ({why}); export it again") from None
        return self.lattice_of(emissions, batch.lengths)

    def lattice_of(self, emissions: Floats, lengths: Integers) -> NumpyLattice:
        """The lattice of emissions [b, t, k] of sentences of so many words [b]."""
        return NumpyLattice(emissions, lengths, self._moves, self._boundary)


def inputs(batch: Batch[NDArray[Any]]) -> Arrays:
    """What the graph may take, by name: see `rnner.export.writer`."""
    given: Arrays = {name: getattr(batch, name) for name in ("words", "casing", "characters", "forms")}
    given["lengths"] = batch.lengths
    if batch.lexicon is not None:
        given["lexicon"] = batch.lexicon
    if batch.composition is not None:
        given |= _padded(batch.composition)
    if batch.bags is not None:
        given |= _bags(batch.bags)
    return given


def _padded(made_of: Composition[NDArray[Any]]) -> Arrays:
    """The pieces of q composed forms: which forms `[q]`, rows and weights `[q, p]`, 0 in the padding."""
    forms, sizes = np.unique(made_of.forms, return_counts=True)
    inside = np.arange(max(sizes, default=1)) < sizes[:, None]
    pieces, weights = np.zeros(inside.shape, dtype=np.int64), np.zeros(inside.shape, dtype=np.float32)
    order = np.argsort(made_of.forms, kind="stable")
    pieces[inside], weights[inside] = made_of.rows[order], made_of.weights[order]
    return dict(zip(_COMPOSED, (forms, pieces, weights), strict=True))


def _bags(bags: Bags[NDArray[Any]]) -> Arrays:
    """The m distinct words of d documents, and how often each stands in each: `[d, m]`."""
    keys = np.where(bags.words > 0, bags.words, _COMPOSED_KEY + np.arange(len(bags.words)))
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    m = len(first)
    cells = np.bincount(bags.documents * m + place, bags.counts, minlength=bags.number * m)
    made_of = replace(bags.composition, forms=place[bags.composition.forms])
    return {
        "document_words": bags.words[first],
        "counts": cells.reshape(bags.number, m).astype(np.float32),
        "document_of": bags.of,
        **{f"document_{name}": array for name, array in _padded(made_of).items()},
    }
