"""From one format to another: read whole, put onto tokens where the target has tokens, written in one go."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rnner.data.formats import dataset
from rnner.data.formats.alignment import Align, Aligner, Overlaps, to_tagged
from rnner.data.formats.annotated import AnnotatedText, Illegal, SourceFile, TaggedSentence
from rnner.data.formats.registry import TEXT, WRITE_TEXT, WRITE_TOKENS, read_documents
from rnner.tags import to_spans

PARQUET = ".parquet"


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        sizes: how many of what: records of text; or documents, if any are marked, sentences and words.
        entities: by label.
        notes: what was not taken over.
        changed: what a rule did to spans, one line each.
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
    align: Align = "strict",
    overlaps: Overlaps = "error",
    illegal: Illegal = "error",
) -> Converted:
    """Reads `source`, of format `form`, and writes `out` in format `to`; `out` is replaced if it is a file.

    `align` and `overlaps` (see alignment.py) and `scheme`, of the tags, matter for formats of tokens only.
    Offsets are kept to the character from text to text. `dataset` writes Parquet if `out` ends so, else a
    folder.

    Raises DataError with the line for what cannot be read, what the target cannot hold, spans that are
    refused, and a source without a document; then nothing is written.
    """
    documents = read_documents(source, form, illegal)
    if not documents:
        raise source.error("nothing to convert: there is no annotated document or sentence")
    if to in TEXT:
        return _to_text(source, documents, out, to)
    aligner = Aligner(source.path, align, overlaps)
    sentences = list(to_tagged(documents, aligner, scheme))
    aligner.check()
    if not sentences:
        raise source.error("nothing to convert: no document holds a word")
    _write_tokens(source, sentences, out, to, scheme)
    entities = Counter(span.label for s in sentences for span in to_spans(s.tags, scheme))
    words = sum(len(sentence.words) for sentence in sentences)
    sizes = {"document": sum(document.marked for document in documents)}
    sizes |= {"sentence": len(sentences), "word": words}
    return Converted(sizes, entities, source.told(), aligner.changed)


def _to_text(source: SourceFile, documents: list[AnnotatedText], out: Path, to: str) -> Converted:
    with _whole(out) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        WRITE_TEXT[to](documents, file, source)
    entities = Counter(span.label for document in documents for span in document.spans)
    return Converted({"record": len(documents)}, entities, source.told(), [])


def _write_tokens(
    source: SourceFile, sentences: list[TaggedSentence], out: Path, to: str, scheme: str
) -> None:
    with _whole(out) as partial:
        if to == "dataset":
            dataset.write(sentences, partial, scheme, parquet=out.suffix == PARQUET)
        else:
            with partial.open("w", encoding="utf-8", newline="\n") as file:
                WRITE_TOKENS[to](sentences, file, source)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A path to write to, which becomes `out` when all of it is there, and is gone otherwise."""
    partial = out.with_name(out.name + ".partial")
    try:
        yield partial
        partial.replace(out)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)
