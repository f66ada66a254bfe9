"""Corpora: annotated files into splits of one scheme, with whatever the user should know about them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnner.data.corpus_cache import cached
from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import Illegal, SourceFile, TaggedSentence
from rnner.data.formats.columns import ColumnSentence, ConllReader
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_tagged
from rnner.data.lines import no_such_file
from rnner.data.splits import IllegalTags, Split
from rnner.data.token_table import TableRow, build_table
from rnner.errors import ConfigError, DataError
from rnner.tags import LENIENT, SchemeDetector, SchemeError

__all__ = ["Corpus", "Split", "load_corpus", "read_split", "resolve"]

_SAMPLES = ("train", "dev", "test")
# With fewer documents than this, sentences are held out instead: a tenth of them would say too little.
_FEWEST_DOCUMENTS = 20


@dataclass(frozen=True)
class Corpus:
    """What a model is trained, chosen and scored on, all in one scheme.

    Attributes:
        train, dev, test: the splits; `test` is None if there is none.
        held_out: whether dev was taken from the training file.
        unseen_labels: entities in dev and test of labels that train lacks: `{"dev": {"FAC": 3}}`.
        notes: what the user should know, one sentence each.
        warnings: what the user should look at: illegal tags that were read, labels that train lacks.
    """

    train: Split
    dev: Split
    test: Split | None
    held_out: bool
    unseen_labels: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def load_corpus(
    *,
    train: str | Path,
    dev: str | Path | None = None,
    test: str | Path | None = None,
    columns: Mapping[str, int] | None = None,
    scheme: str = "bioes",
    illegal: Illegal = "error",
    seed: int = 0,
    folders: Sequence[Path] = (),
) -> Corpus:
    """Reads the files of a corpus, each in its own scheme, and converts them through spans.

    Args:
        train, dev, test: files, or `sample:train` and so on; without dev a tenth of train is held out.
        columns: see ConllReader; the same for all files.
        scheme: the scheme of the result: iob1, iob2, bioes or binary.
        illegal: see read_split.
        seed: decides what is held out.
        folders: where relative paths are looked up after the working directory.

    Raises DataError as read_split and resolve do, and if train holds no entity or has nothing to hold out.
    """

    def read(source: str | Path, name: str) -> Split:
        path = resolve(source, folders)
        return read_split(path, columns=columns, illegal=illegal, name=name, scheme=scheme)

    whole = read(train, "train")
    if not whole.labels:
        raise DataError("no entity: all tags are O; is data.columns right?", whole.path)
    kept, chosen, notes = (whole, read(dev, "dev"), []) if dev is not None else _hold_out(whole, seed=seed)
    scored = None if test is None else read(test, "test")
    splits = [split for split in (kept, chosen, scored) if split is not None]
    unseen = _unseen_labels(kept, splits)
    warnings = list(dict.fromkeys(note for split in splits for note in _file_notes(split)))
    warnings += [_unseen_note(name, counts) for name, counts in unseen.items()]
    return Corpus(
        kept, chosen, scored, held_out=dev is None, unseen_labels=unseen, notes=notes, warnings=warnings
    )


def read_split(
    path: str | Path,
    *,
    columns: Mapping[str, int] | None = None,
    illegal: Illegal = "error",
    name: str = "",
    scheme: str | None = None,
) -> Split:
    """Reads a file of any format whole, or takes it from the cache (rnner.data.corpus_cache) if it is large.

    Args:
        path: the file, or the folder of a saved data set; what format it has is found (rnner.data.formats.registry).
        columns: see ConllReader; if given, the file is a column file.
        illegal: about tags that obey no scheme: `error`, or `conlleval` to read them as the CoNLL script does
            (then `Split.repaired` tells of them).
        name: what messages call the split; the file's name if absent.
        scheme: what the tags are converted to; if absent they stay as found, and the scheme that they obey is
            told.

    Raises DataError with path:line (the record where there are no lines) for what cannot be read, illegal
    tags, spans that tokens do not fit, and a file without a sentence.
    """
    path = Path(path)
    settings = {"columns": dict(columns) if columns else None, "illegal": illegal, "scheme": scheme}

    def read() -> Split:
        split = _read(SourceFile(path, columns), illegal)
        return split if scheme is None else split.convert(scheme)

    return replace(cached(path, settings, read), name=name or path.name)


def _read(source: SourceFile, illegal: Illegal) -> Split:
    """A file's sentences with their tags as found; see `read_split`."""
    path = source.path
    detector = SchemeDetector()
    lines_of: dict[int, Sequence[int]] = {}  # of the sentences that may have to be told of

    def rows() -> Iterator[TableRow]:
        for sentence in _sentences(source):
            tags = sentence.tags or []
            if detector.add(tags):
                lines_of[detector.sentences - 1] = sentence.lines
            yield TableRow(sentence.words, tags, sentence.document, sentence.lines[0])

    table = build_table(rows())
    if not len(table):
        raise DataError("no sentence: the file has no word", path)
    try:
        scheme, repaired = detector.decide(), None
    except SchemeError as error:
        line = lines_of[error.sentence][error.position]
        scheme, repaired = LENIENT, _repair(path, error, detector, line, illegal)
    return Split(table, path, path.name, scheme, repaired, notes=tuple(source.told()))


def _sentences(source: SourceFile) -> Iterable[ColumnSentence | TaggedSentence]:
    form = "columns" if source.columns is not None else detect_format(source.path)
    if form == "columns":
        return ConllReader(source.path, columns=source.columns)
    return read_tagged(source, form)


def resolve(source: str | Path, folders: Sequence[Path] = ()) -> Path:
    """The file that a config means: part of the sample corpus, a data set on the Hub, or a path.

    `sample:train`, `sample:dev`, `sample:test` are the files in the package. `hf:owner/name:split` stays
    as it is: `read_split` fetches it. A relative path is looked up from the working directory, then from each
    of `folders`. Raises ConfigError for another `sample:` or `hf:`, DataError naming the places tried for a
    file that is not there.
    """
    if hub.is_name(source):
        hub.parse(source)
        return Path(source)
    if isinstance(source, str) and source.startswith("sample:"):
        return _sample(source)
    path = Path(os.path.expanduser(source))
    tried = [path] if path.is_absolute() else [path, *(folder / path for folder in folders)]
    for candidate in tried:
        if os.path.exists(candidate):  # Path.exists would raise where a folder may not be looked into
            return candidate
    places = f" (nor is there {', '.join(str(place) for place in tried[1:])})" if tried[1:] else ""
    raise DataError(no_such_file(path) + places, path)


def _sample(source: str) -> Path:
    part = source.removeprefix("sample:")
    if part not in _SAMPLES:
        raise ConfigError([f"{source}: the sample corpus has sample:train, sample:dev and sample:test"])
    path = Path(str(resources.files("rnner") / "resources" / "sample" / f"{part}.conll"))
    if not path.exists():
        raise DataError("the sample corpus is missing: reinstall rnner", path)
    return path


def _repair(
    path: Path, error: SchemeError, detector: SchemeDetector, line: int, illegal: Illegal
) -> IllegalTags:
    """What is wrong with the tags, first in `line`; DataError unless they may be read as conlleval does."""
    repair = IllegalTags(error.offences[error.scheme].times, line, str(error))
    advice = "correct the tags"
    readable = detector.offence(LENIENT) is None  # binary tags among others are not
    if readable:
        advice += ", or set data.illegal_tags: conlleval to read them as conlleval does"
    if illegal == "error" or not readable:
        raise DataError(f"{repair.reason}; {advice}", path, repair.line)
    return repair


def _hold_out(whole: Split, *, seed: int) -> tuple[Split, Split, list[str]]:
    """Train without, and dev with, a tenth of the sentences drawn by `seed`, and a note that says so.

    Whole documents are drawn where there are enough of them.
    """
    if len(whole) < 2:
        raise DataError("a single sentence, so none can be held out for dev: set data.dev", whole.path)
    generator = np.random.default_rng(seed)
    documents = np.unique(whole.documents)
    by_document = len(documents) >= _FEWEST_DOCUMENTS
    if by_document:
        dev = _tenth_of_documents(whole.documents, documents, generator)
    else:
        dev = np.zeros(len(whole), dtype=bool)
        dev[generator.permutation(len(whole))[: max(1, round(len(whole) / 10))]] = True
    kept, chosen = whole.select(np.flatnonzero(~dev)), whole.select(np.flatnonzero(dev))
    if not kept.labels:
        raise DataError("too few entities to hold out a tenth of the sentences: set data.dev", whole.path)
    note = (
        f"no dev corpus: {len(chosen):,} of the {len(whole):,} sentences of {whole.path} are held out as dev "
        f"(seed {seed}{', whole documents' if by_document else ''})"
    )
    return kept, replace(chosen, name="dev"), [note]


def _tenth_of_documents(
    of_sentence: NDArray[np.int64], documents: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.bool_]:
    """`[s]` the sentences of random documents, as many as come closest to a tenth (so never all)."""
    order = generator.permutation(documents)
    sizes = np.bincount(np.searchsorted(documents, of_sentence))
    held = np.cumsum(sizes[np.searchsorted(documents, order)])
    count = int(np.abs(held - len(of_sentence) / 10).argmin()) + 1
    return np.isin(of_sentence, order[:count])


def _unseen_labels(train: Split, splits: Iterable[Split]) -> dict[str, dict[str, int]]:
    """How many entities each split has of labels that train lacks; only splits and labels that have any."""
    found: dict[str, dict[str, int]] = {}
    for split in splits:
        if new := set(split.labels) - set(train.labels):
            labels = (span.label for spans in split.all_spans() for span in spans)
            found[split.name] = dict(sorted(Counter(label for label in labels if label in new).items()))
    return found


def _unseen_note(name: str, counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{label} ({count:,})" for label, count in counts.items())
    return f"{name} has labels that train lacks; their entities count as missed: {listed}"


def _file_notes(split: Split) -> Iterator[str]:
    yield from (f"{split.path}: {note}" for note in split.notes)
    if split.repaired:
        yield f"{split.path}:{split.repaired.line}: {split.repaired.reason}; they are read as conlleval does"
