"""spaCy's DocBin, a `.spacy` file (spacy.io/api/docbin), read and written with spaCy.

It needs `pip install "rnner[spacy]"`. Entities are those of `doc.ents`; span groups are skipped, with a note.
The text is kept exactly: white space other than one space between tokens becomes a token, as in spaCy.
Nothing in the file is executed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.head import Head
from rnner.data.lines import longest_record
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token, tokenize

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.tokens import Token as SpacyToken
    from spacy.vocab import Vocab

_MOST_RECORDS = 16  # maximum size of an unpacked file, in multiples of `longest_record()`
_BLOCK = 1 << 20  # bytes
_ZLIB = b"x\x9c"  # first bytes of a compressed DocBin; they are not valid UTF-8


def detect(head: Head) -> bool:
    """Return whether a file begins like a DocBin, or is not empty and has its suffix (.spacy)."""
    return head.data.startswith(_ZLIB) or (head.path.suffix == ".spacy" and bool(head.data))


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the texts with their tokens; white space is not a token.

    Raises DataError if spaCy is not installed, if the file is damaged, and for an entity without a label.
    """
    for number, doc in enumerate(_load(source), 1):
        if not doc.has_annotation("ENT_IOB"):
            source.notes["documents whose entities are not set, read as texts without entities"] += 1
        if groups := sum(map(len, doc.spans.values())):
            source.unread["spans in doc.spans not read"] += groups
        spans = [CharSpan(span.start_char, span.end_char, span.label_) for span in doc.ents]
        if not all(span.label for span in spans):
            raise source.error("a label is empty", number)
        yield AnnotatedText(doc.text, spans, number, _sentences(doc))


def save(documents: Sequence[AnnotatedText], path: Path, source: SourceFile) -> None:
    """Write a DocBin; tokens are also split where entities begin and end.

    Raises DataError if spaCy is not installed, and for entities that overlap.
    """
    _require_spacy(source)
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    vocab = Vocab()
    docs = (_doc(vocab, document, source) for document in documents)
    DocBin(attrs=["ENT_IOB", "ENT_TYPE", "SENT_START"], docs=docs).to_disk(path)


def _require_spacy(source: SourceFile) -> None:
    try:
        import spacy  # noqa: F401
    except ImportError:
        raise source.error('.spacy files need spaCy; install it with: pip install "rnner[spacy]"') from None


def _load(source: SourceFile) -> list[Doc]:
    _require_spacy(source)
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        data = source.path.read_bytes()
        if _unpacks_to_more(data, most := _MOST_RECORDS * longest_record()):
            raise source.error(f"the file unpacks to more than {most >> 20} MB; split it into several files")
        return list(DocBin().from_bytes(data).get_docs(Vocab()))
    except OSError as error:
        raise source.error(f"the file cannot be read: {error.strerror}") from None
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, zlib.error):
        raise source.error("this is not a complete .spacy file (a DocBin of spaCy 3)") from None


def _unpacks_to_more(data: bytes, most: int) -> bool:
    """Return whether compressed data unpacks to more than `most` bytes. Uses little memory."""
    unpacker, size = zlib.decompressobj(), 0
    for start in range(0, len(data), _BLOCK):
        rest = data[start : start + _BLOCK]
        while rest and size <= most:
            size += len(unpacker.decompress(rest, _BLOCK))
            rest = unpacker.unconsumed_tail
    return size > most


def _sentences(doc: Doc) -> list[list[Token]]:
    """Return the tokens by sentence: the sentences of the document, if they are set."""
    if not doc.has_annotation("SENT_START"):
        return split_sentences(doc.text, _tokens(doc))
    return [row for row in map(_tokens, doc.sents) if row]


def _tokens(row: Iterable[SpacyToken]) -> list[Token]:
    return [Token(it.text, it.idx, it.idx + len(it)) for it in row if not it.text.isspace()]


def _doc(vocab: Vocab, document: AnnotatedText, source: SourceFile) -> Doc:
    from spacy.tokens import Doc, Span

    text, spans = document.text, sorted(set(document.spans))
    for before, span in pairwise(spans):
        if span.start < before.end:
            places = f"{before.start}-{before.end} {before.label} and {span.start}-{span.end} {span.label}"
            raise source.error(f"a .spacy file cannot hold entities that overlap: {places}", document.line)
    sentences = [tokenize(text)] if document.sentences is None else document.sentences
    words = _words(text, [token for row in sentences for token in row], spans)
    starts, ends = ({place[i]: n for n, place in enumerate(words)} for i in (0, 1))
    first = {row[0].start for row in sentences if row}
    doc = Doc(
        vocab,
        [text[start:end] for start, end in words],
        [text[end : end + 1] == " " and end not in starts for _, end in words],
        sent_starts=None if document.sentences is None else [start in first for start, _ in words],
    )
    doc.set_ents([Span(doc, starts[it.start], ends[it.end] + 1, it.label) for it in spans])
    return doc


def _words(text: str, tokens: Iterable[Token], spans: Sequence[CharSpan]) -> list[tuple[int, int]]:
    """Return the start and end of spaCy's tokens, which cover the text except for one space between two."""
    starts, ends = {span.start for span in spans}, {span.end for span in spans}
    edges = starts | ends | {0, len(text)} | {edge for token in tokens for edge in token[1:]}
    words: list[tuple[int, int]] = []
    for start, end in pairwise(sorted(edges)):
        follows = start > 0 and text[start] == " " and start not in starts and start + 1 not in ends
        first = start + (follows and bool(words) and words[-1][1] == start)
        if first < end:
            words.append((first, end))
    return words
