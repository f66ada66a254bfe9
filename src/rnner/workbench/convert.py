"""Conversion of annotated text from one format to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnner.data.affixes import STRIP_AFFIX, find_affix
from rnner.data.formats import dataset
from rnner.data.formats.alignment import Aligner, AlignRule, OverlapRule, to_tagged_sentences
from rnner.data.formats.annotated import (
    AnnotatedText,
    IllegalTagRule,
    SourceFile,
    TaggedSentence,
    decide_scheme,
    refuse_unknown,
    to_documents,
)
from rnner.data.formats.registry import TEXT_FORMATS, TOKEN_FORMATS, FileFormat, Item, read_sentences
from rnner.data.tag_sets import is_set
from rnner.data.token_table import NO_DOCUMENT
from rnner.system.files import atomic_replace
from rnner.tags import UNKNOWN, to_spans
from rnner.workbench.unknown_tags import convert_sentences

_UNKNOWN_FORMATS = ("conll", "csv", "tokens")
_HOLD_UNKNOWN = f"these can: {', '.join(_UNKNOWN_FORMATS)}"


@dataclass(frozen=True)
class ConversionSummary:
    """A summary of what a conversion wrote.

    Attributes:
        sizes: number of records (text formats), or of marked documents, sentences and words (token formats).
        entities: number of entities of each label.
        notes: lines on content that was skipped or read differently.
        changed: spans changed by a rule, one line each.
    """

    sizes: dict[str, int]
    entities: Counter[str]
    notes: list[str]
    changed: list[str]


def convert(
    source: SourceFile,
    out: Path,
    *,
    form: str,
    to: str,
    scheme: str = "iob2",
    align: AlignRule = "strict",
    overlaps: OverlapRule = "error",
    illegal: IllegalTagRule = "error",
) -> ConversionSummary:
    """Read `source` in the format `form` and write it to `out` in the format `to`, replacing any file there.

    `scheme` (of the tags), `align` and `overlaps` (see alignment.py) apply to token formats only. Between
    text formats, offsets are kept exactly. `brat` writes a folder; `dataset` writes Parquet if `out` ends in
    .parquet, else a folder.

    Raises DataError with the line if the source cannot be read or has no documents, if it has labels but none
    was read, if the target cannot hold a word, a tag or unknown words, or if spans are rejected. Nothing is
    written then.
    """
    if form in TEXT_FORMATS:
        documents = list(TEXT_FORMATS[form].read(source))
    else:
        tagged = read_sentences(source, form)
        if to in TOKEN_FORMATS and any(is_set(tag) for sentence in tagged for tag in sentence.tags):
            return _convert_partial(source, tagged, out, to=to, scheme=scheme, illegal=illegal)
        open_sentences = [sentence for sentence in tagged if UNKNOWN in sentence.tags]
        refuse_unknown(source, open_sentences, f"the format {to} cannot hold unknown words; {_HOLD_UNKNOWN}")
        documents = list(to_documents(tagged, decide_scheme(source, tagged, illegal)))
    if affix := find_affix(_words(documents)):
        source.notes[f"{affix}; {STRIP_AFFIX}"] = 0
    if not documents:
        raise source.error("nothing to convert: there is no annotated document or sentence")
    if source.unread and not any(document.spans for document in documents):
        raise source.error(f"no entities were read; {'; '.join(source.note_lines())}")
    if to in TEXT_FORMATS:
        _write(TEXT_FORMATS[to], documents, source, out)
        entities = Counter(span.label for document in documents for span in document.spans)
        return ConversionSummary({"record": len(documents)}, entities, source.note_lines(), [])
    aligner = Aligner(source.path, align, overlaps)
    sentences = list(to_tagged_sentences(documents, aligner, scheme))
    aligner.raise_refused()
    if not sentences:
        raise source.error("nothing to convert: no document has any words")
    if to == "dataset":
        with atomic_replace(out) as partial:
            dataset.write(sentences, partial, scheme, parquet=out.suffix.lower() == ".parquet")
    else:
        _write(TOKEN_FORMATS[to], sentences, source, out)
    entities = Counter(span.label for s in sentences for span in to_spans(s.tags, scheme))
    words = sum(len(sentence.words) for sentence in sentences)
    sizes = {"document": sum(document.marked for document in documents)}
    sizes |= {"sentence": len(sentences), "word": words}
    return ConversionSummary(sizes, entities, source.note_lines(), aligner.changed)


def _convert_partial(
    source: SourceFile,
    tagged: Sequence[TaggedSentence],
    out: Path,
    *,
    to: str,
    scheme: str,
    illegal: IllegalTagRule,
) -> ConversionSummary:
    """Write sentences with unknown tags in a format of tags."""
    if to not in _UNKNOWN_FORMATS:
        refuse_unknown(source, tagged, f"the format {to} cannot hold unknown tags; {_HOLD_UNKNOWN}")
    sentences = convert_sentences(source, tagged, scheme, illegal)
    _write(TOKEN_FORMATS[to], sentences, source, out)
    documents = {sentence.document for sentence in sentences} - {NO_DOCUMENT}
    sizes = {"document": len(documents), "sentence": len(sentences)}
    sizes["word"] = sum(len(sentence.words) for sentence in sentences)
    spans = (span for own in sentences for span in to_spans(own.tags, scheme))
    return ConversionSummary(sizes, Counter(span.label for span in spans), source.note_lines(), [])


def _words(documents: Iterable[AnnotatedText]) -> set[str]:
    """Return the distinct words of documents that have tokens."""
    sentences = (sentence for document in documents for sentence in document.sentences or [])
    return {token.text for sentence in sentences for token in sentence}


def _write(form: FileFormat[Item], items: Sequence[Item], source: SourceFile, out: Path) -> None:
    with atomic_replace(out) as partial:
        if form.save is not None:
            form.save(items, partial, source)
        elif form.write is not None:  # it is None for `dataset` only, which the caller writes
            with partial.open("w", encoding="utf-8", newline="\n") as file:
                form.write(items, file, source)
