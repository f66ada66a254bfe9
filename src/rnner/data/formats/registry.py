"""The file formats of annotated text, and how to read any of them.

To add a format, write a module in this folder with

* `read(source)`, which yields `TaggedSentence`s or `AnnotatedText`s and raises `source.error(message, line)`;
* `write(items, out, source)`, which writes them to a text file (or, for a binary file or a folder,
  `save(items, path, source)`; brat.py is an example);
* `detect(head)`, which returns whether a file with this head is in the format; conllu.py is an example. For
  JSON instead: `matches(record)`, which returns whether a record is in this format; tokens.py is an example.

JSON with a text and spans is read by span_records.py: add the keys of the format to its tables, or call its
`read_spans` from a module for the format.

Then import the module and add one line to `TOKEN_FORMATS` or `TEXT_FORMATS` below. Detection, reading,
training, the command line and the round-trip tests use these tables. The first format that detects a file
wins, so `jsonl`, which takes any list of spans, comes after other JSON; a file that none detects is a
column file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TextIO, TypeVar

from rnner.data.formats import (
    brat,
    columns,
    conll2012,
    conllu,
    csv_table,
    dataset,
    decisions,
    doccano,
    entity_table,
    hipe,
    inline,
    jsonl,
    labelstudio,
    prodigy,
    spacy_docs,
    spacy_json,
    span_records,
    token_spans,
    tokens,
    webanno,
)
from rnner.data.formats.alignment import Aligner, to_tagged_sentences
from rnner.data.formats.annotated import (
    AnnotatedText,
    IllegalTagRule,
    SourceFile,
    TaggedSentence,
    decide_scheme,
    to_documents,
)
from rnner.data.formats.head import Head
from rnner.data.formats.json_records import Record
from rnner.data.tag_spellings import spelling_of
from rnner.errors import DataError
from rnner.tags import LABEL_RULE, is_label

Item = TypeVar("Item", TaggedSentence, AnnotatedText)


@dataclass(frozen=True)
class FileFormat(Generic[Item]):
    """A file format.

    Attributes:
        parse, write: functions that read (without checking labels) and write it; `write` is None if it is not
            written as text.
        save: function that writes a binary file or a folder to a new path; None for text files.
        detect: whether a file with this head is in the format; None for JSON.
        matches: whether a JSON record is in this format; None if the format is not JSON.
        json_keys: the keys of such records, for error messages.
        has_columns: whether `SourceFile.columns` chooses what is read.
        suffixes: the usual suffixes of such files.
    """

    parse: Callable[[SourceFile], Iterator[Item]]
    write: Callable[[Iterable[Item], TextIO, SourceFile], None] | None
    detect: Callable[[Head], bool] | None = None
    matches: Callable[[Record], bool] | None = None
    json_keys: str = ""
    save: Callable[[Sequence[Item], Path, SourceFile], None] | None = None
    has_columns: bool = False
    suffixes: tuple[str, ...] = ()

    def read(self, source: SourceFile) -> Iterator[Item]:
        """Yield the items of a file.

        Labels of spans are checked. Tags are not: `spelling_of` checks them once it has all tags of a file.

        Raises DataError if the file cannot be read, and for a label that is not valid.
        """
        valid: set[str] = set()
        for item in self.parse(source):
            if isinstance(item, AnnotatedText):
                for label in {span.label for span in item.spans} - valid:
                    if not is_label(label):
                        message = f"the label {label[:120]!r} is not valid: {LABEL_RULE}; rename it"
                        raise DataError(message, item.path or source.path, item.line)
                    valid.add(label)
            yield item

    @property
    def writable(self) -> bool:
        """Whether `write` or `save` is given."""
        return self.write is not None or self.save is not None


TOKEN_FORMATS = {
    "conll": FileFormat(  # if no other format is detected
        columns.read, columns.write, has_columns=True, suffixes=(".conll", ".tsv", ".txt")
    ),
    "conllu": FileFormat(conllu.read, conllu.write, conllu.detect, suffixes=(".conllu",)),
    "conll2012": FileFormat(conll2012.read, conll2012.write, conll2012.detect, has_columns=True),
    "hipe": FileFormat(hipe.read, hipe.write, hipe.detect, has_columns=True, suffixes=(".tsv",)),
    "csv": FileFormat(
        csv_table.read, csv_table.write, csv_table.detect, has_columns=True, suffixes=(".csv",)
    ),
    "inline": FileFormat(inline.read, inline.write, inline.detect, suffixes=(".txt",)),
    "tokens": FileFormat(
        tokens.read,
        tokens.write,
        matches=tokens.matches,
        json_keys="tokens and tags",
        suffixes=(".jsonl",),
    ),
    "dataset": FileFormat(  # written by workbench/convert.py
        dataset.read, None, dataset.detect, suffixes=(".parquet",)
    ),
}
"""Formats of sentences with one tag per word."""

TEXT_FORMATS = {
    "brat": FileFormat(brat.read, None, brat.detect, save=brat.save),
    "spacy": FileFormat(spacy_docs.read, None, spacy_docs.detect, save=spacy_docs.save, suffixes=(".spacy",)),
    "spacy-json": FileFormat(
        spacy_json.read,
        spacy_json.write,
        spacy_json.detect,
        spacy_json.matches,
        json_keys="paragraphs (spaCy 2)",
        suffixes=(".json",),
    ),
    "decisions": FileFormat(  # written by active_learning/decision_log.py
        decisions.read, None, matches=decisions.matches, json_keys="an answer and a decision"
    ),
    # labelstudio first: doccano's keys also occur in its records
    "labelstudio": FileFormat(
        labelstudio.read,
        labelstudio.write,
        labelstudio.detect,
        labelstudio.matches,
        json_keys="data and annotations (Label Studio)",
        suffixes=(".json",),
    ),
    "prodigy": FileFormat(
        span_records.read,
        prodigy.write,
        matches=prodigy.matches,
        json_keys="text and spans (Prodigy)",
        suffixes=(".jsonl",),
    ),
    "doccano": FileFormat(
        span_records.read,
        doccano.write,
        matches=doccano.matches,
        json_keys="text and label (doccano)",
        suffixes=(".jsonl",),
    ),
    "jsonl": FileFormat(
        span_records.read,
        jsonl.write,
        matches=jsonl.matches,
        json_keys="text and entities",
        suffixes=(".jsonl",),
    ),
    "csv-entities": FileFormat(entity_table.read, None, entity_table.detect),
    "token-spans": FileFormat(
        token_spans.read,
        None,
        matches=token_spans.matches,
        json_keys="tokens and their spans (GLiNER, SpERT)",
    ),
    "webanno": FileFormat(webanno.read, webanno.write, webanno.detect, has_columns=True, suffixes=(".tsv",)),
}
"""Formats of text with spans of characters."""

FORMATS: dict[str, FileFormat[TaggedSentence] | FileFormat[AnnotatedText]]
FORMATS = {**TOKEN_FORMATS, **TEXT_FORMATS}
WRITABLE = [name for name, form in FORMATS.items() if form.writable or name == "dataset"]
"""Names of the formats that `rnner data convert` writes."""


def formats_with_suffix(suffix: str) -> list[str]:
    """Return the writable formats whose files have this suffix, such as `.jsonl`."""
    return [name for name in WRITABLE if suffix.lower() in FORMATS[name].suffixes]


def read_documents(source: SourceFile, form: str, illegal: IllegalTagRule = "error") -> list[AnnotatedText]:
    """Return the documents of a file in any format.

    Raises DataError with the line (or the row of a data set) if the file cannot be read, and for tags that
    follow no scheme unless `illegal` is `conlleval`.
    """
    if form in TEXT_FORMATS:
        return list(TEXT_FORMATS[form].read(source))
    sentences = read_sentences(source, form)
    return list(to_documents(sentences, decide_scheme(source, sentences, illegal)))


def read_sentences(source: SourceFile, form: str) -> list[TaggedSentence]:
    """Return the sentences of a file in any format, with standard tags (`rnner.data.tag_spellings`).

    Tags that are numbers become their names in `source.label_names`.

    Raises DataError as `stream_sentences` does, and for the first tag that cannot be read.
    """
    sentences = list(stream_sentences(source, form))
    if names := source.label_names:
        sentences = [own._replace(tags=[names.get(tag, tag) for tag in own.tags]) for own in sentences]
    counts = Counter(tag for sentence in sentences for tag in sentence.tags)
    spelling = spelling_of(counts, source.unknown)
    for sentence in sentences if spelling.unreadable else ():
        for tag, line in zip(sentence.tags, sentence.lines, strict=True):
            if tag in spelling.unreadable:
                first = line == sentences[0].lines[0]
                problem = spelling.problem(tag, in_column=form == "conll", in_first_row=first)
                raise source.error(problem, line)
    source.notes.update(spelling.notes(counts))
    if not spelling.changed:
        return sentences
    return [sentence._replace(tags=[spelling.tags[tag] for tag in sentence.tags]) for sentence in sentences]


def stream_sentences(source: SourceFile, form: str) -> Iterator[TaggedSentence]:
    """Yield the sentences of a file in any format, with unchanged tags.

    Spans of characters become BIOES tags.

    Raises DataError as `read_documents` does (but not for illegal tags), and at the end for spans that do not
    begin and end where tokens do, or that overlap.
    """
    if form in TEXT_FORMATS:
        aligner = Aligner(source.path, tokenizer=source.tokenizer)
        yield from to_tagged_sentences(TEXT_FORMATS[form].read(source), aligner, "bioes")
        aligner.raise_refused()
    else:
        yield from _checked_sentences(source, form)


def _checked_sentences(source: SourceFile, form: str) -> Iterator[TaggedSentence]:
    for sentence in TOKEN_FORMATS[form].read(source):
        if "" in sentence.words:
            raise source.error("a word is empty", sentence.lines[sentence.words.index("")])
        yield sentence
