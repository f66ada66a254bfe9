"""Prediction with exported models, in onnxruntime and without torch.

`rnner.export.writer` writes the files and describes the inputs of the graph. Everything that is not computed
by the graph is in the metadata of the file, under the keys below. A file in a model folder omits the words
and their vectors: they are read from the other files of the folder, whose digests are checked first.
"""

from __future__ import annotations

import json
import reprlib
from dataclasses import replace
from importlib.util import find_spec
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from rnner import tags
from rnner.data.batches import Batch, Composition, DocumentBags, Floats, Integers
from rnner.data.vocabulary import Vocabulary
from rnner.data.word_index import SortedWords
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.decoding.decoder import Decoder
from rnner.errors import ModelError, UsageError, one_line
from rnner.export.graph_check import CheckedGraph, check_graph
from rnner.export.onnx_file import NO_CHECKSUM, OnnxFile, read_onnx
from rnner.model.file_names import FOLDER_FILES, ONNX, VOCABULARY, WEIGHTS, check_model_files
from rnner.model.manifest import file_digest

if TYPE_CHECKING:  # an optional dependency, imported when a model is loaded
    from onnxruntime import InferenceSession

Arrays = dict[str, NDArray[Any]]

FORMAT_VERSION = "1"
FORMAT_KEY = "rnner.format_version"
VERSION_KEY = "rnner.version"
VOCABULARY_KEY = "rnner.vocabulary"  # JSON, as in vocabulary.json but without the next two lists
VECTOR_WORDS_KEY = "rnner.vector_words"  # one word per line, sorted by code points
N_GRAMS_KEY = "rnner.n_grams"  # in the same form; absent if words are not composed
FILES_KEY = "rnner.files"  # in a folder, replaces the three above: JSON, SHA-256 of its files
THRESHOLD_KEY = "rnner.threshold"  # probability that entities must exceed; absent if there is none
AGREEMENT_KEY = "rnner.agreement"  # weight of the mean over equal spellings; absent if none
TRANSITIONS_KEY = "rnner.moves"  # JSON, [k + 1, k + 1]; see rnner.nn.crf.transitions

SHARED_TABLES = {
    "frozen_vectors": "words.vectors",
    "frozen_scales": "words.scales",
    "trained_vectors": "words.weight",
}
"""Tables that a graph in a folder reads from the model's weights file, and their names in that file."""

_OF_BATCHES = ("words", "casing", "characters", "forms", "lengths", "lexicon")  # fields of a batch
_COMPOSED = ("composed", "pieces", "weights")
_COMPOSED_KEY = 1 << 40  # larger than any row number


def is_onnx_file(model: Path | str) -> bool:
    """Return whether a model is a file written by `rnner export`, judging by its name."""
    return Path(model).suffix == ".onnx" and not Path(model).is_dir()


def choose_backend(path: Path, backend: str, *, fast_start: bool = False) -> Path:
    """Return the path that a backend loads: the model folder, or the ONNX file in it.

    Args:
        path: a model folder, or a file written by `rnner export`.
        backend: torch, onnx or auto. auto keeps `path`; with `fast_start` it takes the ONNX file if it exists
            and onnxruntime is installed.
        fast_start: whether loading time matters more than speed.

    Raises:
        UsageError: the file or folder that the backend needs does not exist.
    """
    exported = path if is_onnx_file(path) else path / ONNX
    if backend == "torch" and exported == path:
        raise UsageError(f"{path}: --backend torch needs the model folder that this file was exported from")
    if backend == "onnx" and not exported.exists():
        raise UsageError(f"{path}: the folder has no {ONNX}; `rnner export --model {path}` adds it")
    installed = find_spec("onnxruntime") is not None
    chosen = backend == "onnx" or (backend == "auto" and fast_start and exported.is_file() and installed)
    return exported if chosen else path


def load_onnx(path: Path | str, *, threads: int | None = None, **limits: int) -> OnnxDecoder:
    """Load a file written by `rnner export`.

    Args:
        path: the file.
        threads: CPU threads; None: chosen by onnxruntime.
        limits: as for `rnner.decoding.decoder.Decoder`.

    Raises:
        UsageError: onnxruntime is not installed.
        ModelError: the file is missing, corrupted or not written by rnner, or other files in its folder
            have changed; the message says what to do.
    """
    path = Path(path)
    file = _read(path)
    metadata = file.metadata
    try:
        vocabulary = _vocabulary(metadata, path.parent)
        transitions = _legal_transitions(json.loads(metadata[TRANSITIONS_KEY]), vocabulary)
        threshold, agreement = (_fraction(metadata, key) for key in (THRESHOLD_KEY, AGREEMENT_KEY))
        tables = _shared_tables(path.parent / WEIGHTS) if FILES_KEY in metadata else {}
        graph = check_graph(file.graph, tables, vocabulary.lexicon.size if vocabulary.lexicon else 0)
        _check_sizes(graph, vocabulary)
    except (ModelError, KeyError, ValueError, TypeError, RecursionError, OverflowError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else one_line(error)
        raise ModelError(f"{path}: is corrupted ({reason}); export it again") from None
    session = _session(path, file, tables, threads)
    return OnnxDecoder(path, session, vocabulary, transitions, threshold, agreement, **limits)


def verify_onnx(path: Path) -> None:
    """Raise a ModelError if an exported file or one that it depends on has changed, or has no checksum."""
    if _read(path).checksum == NO_CHECKSUM:
        raise ModelError(f"{path}: has no checksum, as if an older version had written it; export it again")


def _read(path: Path) -> OnnxFile:
    """Read an exported file. Check that it and the files that it depends on have not changed."""
    if path.name == ONNX:
        check_model_files(path.parent, [ONNX])
    if not path.is_file():
        raise ModelError(
            f"{path}: file not found; `rnner export --model DIR --output {path.name}` writes one"
        )
    try:
        with path.open("rb") as opened:
            file = read_onnx(memoryview(mmap(opened.fileno(), 0, access=ACCESS_READ)))
    except (ValueError, KeyError, OSError) as error:
        raise ModelError(f"{path}: is corrupted or truncated ({one_line(error)}); export it again") from None
    if FORMAT_KEY not in file.metadata:
        raise ModelError(f"{path}: is an ONNX model, but not one written by `rnner export`")
    if file.metadata[FORMAT_KEY] != FORMAT_VERSION:
        raise ModelError(
            f"{path}: its format version is {reprlib.repr(file.metadata[FORMAT_KEY])}, but this rnner reads "
            f"{FORMAT_VERSION}; export it again"
        )
    try:
        file.check_checksum()
        file.check_fields()
    except ValueError as error:
        raise ModelError(f"{path}: is corrupted ({one_line(error)}); export it again") from None
    if FILES_KEY in file.metadata:
        _check_folder(path, file.metadata[FILES_KEY])
    return file


def _check_folder(path: Path, expected: str) -> None:
    """Raise a ModelError if a file that the graph depends on is missing or has changed since the export."""
    if path.name != ONNX or not all((path.parent / name).is_file() for name in FOLDER_FILES):
        raise ModelError(
            f"{path}: works only in its model folder, which holds its words and vectors; "
            "`rnner export --model DIR --output OUT.onnx` writes a standalone file"
        )
    try:
        known, now = json.loads(expected), digests(path.parent)
        changed = [name for name in now if now[name] != known[name]]
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        changed = ["other files"]
    if changed:
        raise ModelError(
            f"{path}: {' and '.join(changed)} changed since the export; copy the model folder again or, if "
            f"the change is yours, export it again: `rnner export --model {path.parent} --overwrite`"
        )


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that a graph in the folder depends on."""
    check_model_files(folder, FOLDER_FILES)
    return {name: file_digest(folder / name) for name in FOLDER_FILES}


def _shared_tables(weights: Path) -> Arrays:
    """Return the tables that a graph reads from its folder, by their names in the graph."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as file:
            present = set(file.keys())
            return {name: file.get_tensor(own) for name, own in SHARED_TABLES.items() if own in present}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{weights}: is corrupted or truncated ({one_line(error)})") from None


def _session(path: Path, file: OnnxFile, tables: Arrays, threads: int | None) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(f'{path}: needs onnxruntime: pip install "rnner[onnx]"') from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # errors reach the user as exceptions
    if tables:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(table) for table in tables.values()]
        options.add_external_initializers(list(tables), values)
    try:
        source = bytes(file.content) if tables else path  # from bytes, onnxruntime reads no other files
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen exception classes
        raise ModelError(f"{path}: is corrupted ({one_line(error)}); export it again") from None


def _vocabulary(metadata: dict[str, str], folder: Path) -> Vocabulary:
    """Read the vocabulary; the long lists are not parsed but searched in place."""
    if FILES_KEY in metadata:
        return Vocabulary.from_json(json.loads((folder / VOCABULARY).read_text(encoding="utf-8")))
    vocabulary = Vocabulary.from_json({**json.loads(metadata[VOCABULARY_KEY]), "vector_words": []})
    n_grams = metadata.get(N_GRAMS_KEY)
    return replace(
        vocabulary,
        vector_words=SortedWords(metadata[VECTOR_WORDS_KEY]),
        n_grams=None if n_grams is None else SortedWords(n_grams),
    )


def _legal_transitions(scores: object, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """Return the scores of transitions [k + 1, k + 1], -inf where the tag scheme forbids them."""
    transitions = np.array(scores, dtype=np.float32)
    k = len(vocabulary.tags)
    if transitions.shape != (k + 1, k + 1) or not np.isfinite(transitions).all():
        raise ValueError(f"the transitions between tags must be finite numbers of shape [{k + 1}, {k + 1}]")
    start, step, end = tags.transitions(vocabulary.tags, vocabulary.scheme)
    allowed = np.block([[np.array(step), np.array(end)[:, None]], [np.array(start), np.array([False])]])
    return np.where(allowed, transitions, np.float32(-np.inf))


def _fraction(metadata: dict[str, str], key: str) -> float | None:
    """Read a number between 0 and 1; None if it is absent."""
    if key not in metadata:
        return None
    if not 0 < (value := float(metadata[key])) < 1:
        raise ValueError(f"{key} is {value}, not between 0 and 1")
    return value


def _check_sizes(graph: CheckedGraph, vocabulary: Vocabulary) -> None:
    """Raise a ValueError if the inputs, outputs or tables of a graph do not fit a vocabulary."""
    unknown = set() if vocabulary.lexicon is not None else {"lexicon"} & set(graph.inputs)
    if vocabulary.n_grams is None:
        unknown |= {name for name in graph.inputs if name.rpartition("_")[2] in _COMPOSED}
    if unknown:
        raise ValueError(f"its graph has the unknown inputs {', '.join(sorted(unknown))}")
    k, trained = len(vocabulary.tags), len(vocabulary.words)
    if (graph.outputs, graph.width) != (["emissions"], k):
        raise ValueError(f"its graph does not output the emissions of {k} tags")
    rows = {"trained_vectors": trained, "frozen_vectors": vocabulary.rows - trained}
    for name in rows.keys() & graph.constants.keys():
        if len(graph.constants[name]) != rows[name]:
            raise ValueError(f"{name!r} has {len(graph.constants[name])} rows instead of {rows[name]}")
    if "trained" in graph.constants and int(graph.constants["trained"]) != trained:
        raise ValueError(f"its graph does not expect the {trained} trained words of its vocabulary")


class OnnxDecoder(Decoder):
    """Finds entities with an exported model; see `Decoder`, and `load_onnx` for the arguments."""

    def __init__(
        self,
        path: Path,
        session: InferenceSession,
        vocabulary: Vocabulary,
        transitions: NDArray[np.float32],
        threshold: float | None,
        agreement: float | None,
        **limits: int,
    ) -> None:
        self._inputs = [given.name for given in session.get_inputs()]
        super().__init__(vocabulary, threshold, agreement, "counts" in self._inputs, **limits)
        self._path, self._session, self._moves = path, session, transitions
        self._boundary = np.array(tags.boundaries(vocabulary.tags, vocabulary.scheme))

    def emissions(self, batch: Batch[NDArray[Any]]) -> Floats:
        """Run the graph on a batch; return the emissions [b, t, k]."""
        available = graph_inputs(batch)
        try:
            (emissions,) = self._session.run(["emissions"], {name: available[name] for name in self._inputs})
        except Exception as error:  # onnxruntime has a dozen exception classes
            raise ModelError(f"{self._path}: cannot run ({one_line(error)}); export it again") from None
        return cast(Floats, emissions)

    def lattice(self, emissions: Floats, lengths: Integers) -> NumpyLattice:
        """Return the lattice of emissions [b, t, k] of sentences with lengths [b]."""
        return NumpyLattice(emissions, lengths, self._moves, self._boundary)


def graph_inputs(batch: Batch[NDArray[Any]]) -> Arrays:
    """Return all inputs that a graph may have, by name; see `rnner.export.writer`."""
    arrays: Arrays = {name: getattr(batch, name) for name in _OF_BATCHES}
    if batch.composition is not None:
        arrays |= _composition_inputs(batch.composition)
    if batch.bags is not None:
        arrays |= _document_inputs(batch.bags)
    return arrays


def _composition_inputs(composition: Composition[NDArray[Any]]) -> Arrays:
    """Return q composed forms `[q]`, and the rows and weights `[q, p]` of their pieces, 0 in the padding."""
    forms, sizes = np.unique(composition.forms, return_counts=True)
    inside = np.arange(max(sizes, default=1)) < sizes[:, None]
    pieces, weights = np.zeros(inside.shape, dtype=np.int64), np.zeros(inside.shape, dtype=np.float32)
    order = np.argsort(composition.forms, kind="stable")
    pieces[inside], weights[inside] = composition.rows[order], composition.weights[order]
    return dict(zip(_COMPOSED, (forms, pieces, weights), strict=True))


def _document_inputs(bags: DocumentBags[NDArray[Any]]) -> Arrays:
    """Return the m distinct words of d documents, and the count `[d, m]` of each word in each document."""
    keys = np.where(bags.words > 0, bags.words, _COMPOSED_KEY + np.arange(len(bags.words)))
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    m, d = len(first), bags.number_documents
    counts = np.bincount(bags.documents * m + place, bags.counts, minlength=d * m)
    composition = replace(bags.composition, forms=place[bags.composition.forms])
    return {
        "document_words": bags.words[first],
        "counts": counts.reshape(d, m).astype(np.float32),
        "document_of": bags.document_of,
        **{f"document_{name}": array for name, array in _composition_inputs(composition).items()},
    }
