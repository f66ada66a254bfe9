"""Corpora: annotated files read into splits of one tag scheme, with notes and warnings for the user."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from rnner.config.corpus_files import FileConfig, file_list
from rnner.data.affixes import STRIP_AFFIX, find_affix
from rnner.data.corpus_cache import cached
from rnner.data.file_labels import with_labels_of
from rnner.data.formats import dataset_hub as hub
from rnner.data.formats.annotated import IllegalTagRule, SourceFile, TaggedSentence
from rnner.data.formats.columns import LONG_SENTENCE, NO_BLANK_LINES, ColumnSentence, ConllReader
from rnner.data.formats.detect import format_of
from rnner.data.formats.registry import stream_sentences
from rnner.data.held_out import hold_out
from rnner.data.lines import no_such_file
from rnner.data.parts import Part
from rnner.data.scheme_detector import SchemeDetector, SchemeError
from rnner.data.splits import IllegalTags, Split, join_splits
from rnner.data.tag_sets import ContradictionError, is_set, narrow
from rnner.data.tag_spellings import spelling_of
from rnner.data.token_table import Column, TableRow, TokenTable, build_table, count_strings, rename
from rnner.errors import ConfigError, DataError
from rnner.tags import LENIENT, UNKNOWN
from rnner.text.tokenizer import DEFAULT_TOKENIZER
from rnner.text.unspaced import segmented_words, split_words

CorpusFiles = str | Path | Sequence[str | FileConfig]
"""A file, or the files of a split as a config lists them."""

_SAMPLES = ("train", "dev", "test")


@dataclass(frozen=True)
class Corpus:
    """The splits for training, model selection and scoring, all in one scheme.

    Attributes:
        train, dev, test: the splits; `test` may be None.
        held_out: whether dev was held out from the training file.
        unseen_labels: counts of entities in dev and test whose label the model cannot learn from train:
            `{"dev": {"FAC": 3}}`.
        notes: information for the user, one sentence each.
        warnings: warnings for the user: illegal tags, labels that train lacks.
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
    train: CorpusFiles,
    dev: CorpusFiles | None = None,
    test: CorpusFiles | None = None,
    columns: Mapping[str, int | str] | None = None,
    scheme: str = "bioes",
    illegal: IllegalTagRule = "error",
    seed: int = 0,
    folders: Sequence[Path] = (),
    known_labels: Sequence[str] = (),
    unknown: str = UNKNOWN,
    tokenizer: str = DEFAULT_TOKENIZER,
) -> Corpus:
    """Read the files of a corpus and convert their tags to one scheme.

    Args:
        train, dev, test: files, or names such as `sample:train`, or lists of them (see `FileConfig`); without
            dev, a tenth of train is held out.
        columns: the columns of all files, or their names; see `SourceFile`.
        scheme: the scheme of the result: iob1, iob2, bioes or binary.
        illegal, unknown: see `read_split`.
        seed: the random seed for choosing the sentences to hold out.
        folders: folders to search for relative paths, after the working directory.
        known_labels: labels that the model knows from earlier training.
        tokenizer: see `read_split`.

    Raises:
        DataError: see `read_split`, `resolve` and `hold_out`; also if train has no entities.
        ConfigError: `labels` or `map` of a file does not fit its labels.
    """

    def read(files: CorpusFiles, name: str) -> Split:
        return read_files(
            files,
            name,
            folders=folders,
            columns=columns,
            illegal=illegal,
            scheme=scheme,
            unknown=unknown,
            tokenizer=tokenizer,
        )

    whole = read(train, "train")
    if not whole.labels:
        what = "no entities with a known label" if whole.partial else "no entities: all tags are O"
        raise DataError(f"{what}; check data.columns", whole.path)
    notes = []
    if dev is None:
        if len(whole) == 1 and (length := int(whole.lengths[0])) > LONG_SENTENCE:
            raise DataError(f"one sentence of {length:,} tokens: {NO_BLANK_LINES}", whole.path)
        kept, chosen, note = hold_out(whole, seed=seed)
        notes.append(note)
    else:
        kept, chosen = whole, read(dev, "dev")
    scored = None if test is None else read(test, "test")
    splits = [split for split in (kept, chosen, scored) if split is not None]
    unseen = _unseen_labels({*kept.labels, *known_labels}, splits)
    warnings = list(dict.fromkeys(note for split in splits for note in _file_notes(split)))
    warnings += [_unseen_note(name, counts) for name, counts in unseen.items()]
    if not chosen.labels:
        warnings.append(
            "dev has no entities, so its F1 is always 0; the best epoch is chosen by the loss on dev and on "
            "train sentences that have entities"
        )
    if note := segmentation_note(kept, tokenizer):
        warnings.append(f"{kept.path}: {note}")
    kept = kept.widened({*kept.labels, *known_labels})
    return Corpus(
        kept, chosen, scored, held_out=dev is None, unseen_labels=unseen, notes=notes, warnings=warnings
    )


def read_files(
    files: CorpusFiles, name: str, *, scheme: str, folders: Sequence[Path] = (), **settings: Any
) -> Split:
    """Read the files of a split, and join them.

    Args:
        files: a file, or a list of files.
        name: `train`, `dev` or `test`.
        scheme, settings: see `read_split`.
        folders: see `resolve`.

    Raises:
        DataError, ConfigError: see `load_corpus`.
    """
    if isinstance(files, str | Path):
        return read_split(resolve(files, folders), name=name, scheme=scheme, **settings)
    splits, parts = [], []
    for file in file_list(list(files)):
        if file.labels is not None and scheme == "binary":
            message = "labels needs a scheme with labels, but data.scheme is binary; remove it"
            raise ConfigError([f"data.{name}: {file.path}: {message}"])
        split = read_split(resolve(file.path, folders), scheme="bioes" if file.map else scheme, **settings)
        split = with_labels_of(split, file, f"data.{name}").convert(scheme)
        splits.append(split)
        labels = None if file.labels is None else frozenset(file.labels)
        parts.append(Part(file.path, labels, file.weight))
    return join_splits(splits, parts, name)


def read_split(
    path: str | Path,
    *,
    columns: Mapping[str, int | str] | None = None,
    illegal: IllegalTagRule = "error",
    name: str = "",
    scheme: str | None = None,
    unknown: str = UNKNOWN,
    tokenizer: str = DEFAULT_TOKENIZER,
) -> Split:
    """Read a file of any format; a large file is cached (`rnner.data.corpus_cache`).

    Args:
        path: the file, or the folder of a saved data set. Its format is detected.
        columns: the columns or their names, see `SourceFile`; if given, the file is read as a table.
        illegal: what to do with tags that follow no scheme: `error`, or `conlleval` to read them as the CoNLL
            script does (`Split.illegal_tags` then describes them).
        name: the name of the split in messages; default: the file's name.
        scheme: the scheme to convert the tags to; None keeps them and detects their scheme.
        unknown: the mark of words whose tags are not known, see `rnner.data.tag_sets`.
        tokenizer: the name of the tokenizer for text without tokens. Only results of `rnner` are cached.

    Raises:
        DataError: with path:line (or the record) for invalid content, illegal tags, spans that do not fit the
            tokens, and a file without sentences.
    """
    path = Path(path)
    settings = {"columns": dict(columns) if columns else None, "illegal": illegal, "scheme": scheme}
    settings["unknown"] = unknown

    def read() -> Split:
        split = _read(SourceFile(path, columns, unknown=unknown, tokenizer=tokenizer), illegal)
        return split if scheme is None else split.convert(scheme)

    split = cached(path, settings, read) if tokenizer == DEFAULT_TOKENIZER else read()
    return replace(split, name=name or path.name)


def _read(source: SourceFile, illegal: IllegalTagRule) -> Split:
    """Read a file without converting its tags; see `read_split`."""
    path = source.path
    detector = SchemeDetector()
    lines_of: dict[int, Sequence[int]] = {}  # line numbers of sentences that an error may refer to

    sentences = _sentences(source)

    def rows() -> Iterator[TableRow]:
        for sentence in sentences:
            tags = sentence.tags or []
            if detector.add(tags):
                lines_of[detector.sentences - 1] = sentence.lines
            yield TableRow(sentence.words, tags, sentence.document, sentence.lines[0])

    table = build_table(rows())
    if not len(table):
        raise DataError("no sentences: the file has no words", path)
    counts = count_strings(table.tags)
    spelling = spelling_of(counts, source.unknown)
    if spelling.unreadable:
        sentence, position = detector.first_place(spelling.unreadable)
        tag = table.tags.strings[table.tags.numbers[table.starts[sentence] + position]]
        place = {
            "in_column": isinstance(sentences, ConllReader),
            "in_first_row": (sentence, position) == (0, 0),
        }
        raise DataError(spelling.problem(tag, **place), path, lines_of[sentence][position])
    detector.rename(spelling.tags)
    table = replace(table, tags=rename(table.tags, spelling.tags))
    source.notes.update(spelling.notes(counts))
    if affix := find_affix(table.tokens.strings):
        source.notes[f"{affix}; {STRIP_AFFIX}"] = 0
    try:
        scheme, illegal_tags = detector.detect(), None
    except SchemeError as error:
        line = lines_of[error.sentence][error.position]
        readable = detector.first_violation(LENIENT) is None  # False for a mix of binary and other tags
        if illegal == "error" or not readable:
            advice = (
                ", or set data.illegal_tags: conlleval to read them as conlleval does" if readable else ""
            )
            raise DataError(f"{error}; correct the tags{advice}", path, line) from None
        scheme = LENIENT
        illegal_tags = IllegalTags(error.violations[error.scheme].times, line, str(error))
    if any(map(is_set, table.tags.strings)):
        table = replace(table, tags=_narrowed(table, scheme, path))
    return Split(table, path, path.name, scheme, illegal_tags, notes=tuple(source.note_lines()))


def _narrowed(table: TokenTable, scheme: str, path: Path) -> Column:
    """Return the tags, with the sets of partly known tags reduced to what their neighbours allow."""
    try:
        return narrow(table, scheme)
    except ContradictionError as error:
        sentence = int(np.searchsorted(table.starts, error.position, side="right")) - 1
        word = table.tokens.strings[table.tokens.numbers[error.position]]
        where = f"word {error.position - int(table.starts[sentence]) + 1} of the sentence, {word[:120]!r}"
        message = f"{error} around {where}; correct the tags"
        raise DataError(message, path, int(table.lines[sentence])) from None


def _sentences(source: SourceFile) -> Iterable[ColumnSentence | TaggedSentence]:
    form = format_of(source)
    if form == "conll":
        return ConllReader(source.path, columns=source.column_numbers, notes=source.notes)
    return stream_sentences(source, form)


def resolve(source: str | Path, folders: Sequence[Path] = ()) -> Path:
    """Return the path of a corpus named in a config.

    `sample:train`, `sample:dev` and `sample:test` are files of the package. `hf:owner/name:split` is returned
    unchanged; `read_split` downloads it. A relative path is looked up in the working directory, then in each
    of `folders`.

    Raises:
        ConfigError: an invalid `sample:` or `hf:` name.
        DataError: file not found; lists the paths tried.
    """
    if hub.is_name(source):
        hub.parse(source)
        return Path(source)
    if isinstance(source, str) and source.startswith("sample:"):
        return _sample(source)
    path = Path(os.path.expanduser(source))
    tried = [path] if path.is_absolute() else [path, *(folder / path for folder in folders)]
    for candidate in tried:
        if os.path.exists(candidate):  # Path.exists would raise for a folder without read permission
            return candidate
    also = f" (also tried {', '.join(map(str, tried[1:]))})" if tried[1:] else ""
    raise DataError(no_such_file(path) + also, path)


def _sample(source: str) -> Path:
    part = source.removeprefix("sample:")
    if part not in _SAMPLES:
        raise ConfigError([f"{source}: unknown sample corpus; use sample:train, sample:dev or sample:test"])
    path = Path(str(resources.files("rnner") / "resources" / "sample" / f"{part}.conll"))
    if not path.exists():
        raise DataError("the sample corpus is missing; reinstall rnner", path)
    return path


def _unseen_labels(known: set[str], splits: Iterable[Split]) -> dict[str, dict[str, int]]:
    """In each split, count by label the entities whose label is not in `known`; omit splits with none."""
    found: dict[str, dict[str, int]] = {}
    for split in splits:
        if new := set(split.labels) - known:
            labels = (span.label for spans in split.all_spans() for span in spans)
            found[split.name] = dict(sorted(Counter(label for label in labels if label in new).items()))
    return found


def _unseen_note(name: str, counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{label} ({count:,})" for label, count in counts.items())
    return f"{name} has labels that train lacks; their entities count as missed: {listed}"


def segmentation_note(train: Split, tokenizer: str) -> str:
    """Return a warning if the words of `train` differ from those that the tokenizer finds, or ''."""
    if tokenizer != DEFAULT_TOKENIZER:
        return ""
    if letters := split_words(train.counts):
        return (
            f"splits Latin words and numbers into characters too ({', '.join(letters[:3])}), but raw text is "
            "split into whole words and numbers; set text.tokenizer: characters"
        )
    if not (words := segmented_words(train.counts)):
        return ""
    return (
        f"has multi-character words in a script without spaces ({', '.join(words[:3])}), but "
        "raw text is split into single characters; set text.tokenizer to the segmenter that made these "
        "words (--code FILE), or train on characters: rnner data convert FILE --format doccano --output "
        "OUT.jsonl"
    )


def _file_notes(split: Split) -> Iterator[str]:
    yield from split.notes if len(split.parts) > 1 else (f"{split.path}: {note}" for note in split.notes)
    if split.illegal_tags:
        _, line, reason = split.illegal_tags
        yield f"{split.path}:{line}: {reason}; the tags are read as conlleval reads them"
