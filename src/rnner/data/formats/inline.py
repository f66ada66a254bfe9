"""Text with a tag after each word, one sentence per line, as in NLTK (`str2tuple`) and Stanford's tagger.

    Ada/B-PER Lovelace/I-PER wrote/O ./O        or Ada_B-PER, or Ada|B-PER
    Ada|NNP|I-PER wrote|VBD|O .|.|O             with a part of speech, which is dropped (WikiNER)

A line `-DOCSTART-` begins a document. If every line holds one word, blank lines end sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import TextIO

from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.column_layout import DOCUMENT_MARK, is_blank, show_row
from rnner.data.formats.head import Head
from rnner.data.lines import first_lines, read_lines
from rnner.data.token_table import NO_DOCUMENT
from rnner.tags import is_tag

_SEPARATORS = "/_|"
_LABEL = re.compile(r"[A-Z][A-Z_-]*")
_PREFIX = re.compile(r"[BIESLUMW]-(?=.)")
_SAMPLE = 1000  # lines
_NEARLY_ALL = 0.95
_FEWEST_WORDS = 5  # needed to detect parts between words and tags; fewer may be 1/2/O and/or/O
_LEAST_TAGS = 0.3  # minimum share of words tagged O or with a prefix; parts of speech have neither
_OTHER = re.compile("[ \t\n\0]")


def detect(head: Head) -> bool:
    """Return whether nearly all words of the first lines have a tag."""
    old_line_ends = "\r" in head.text and "\n" not in head.text  # the reader of columns will report them
    return not old_line_ends and _detect_separator(head.lines[:_SAMPLE]) is not None


def read(source: SourceFile) -> Iterator[TaggedSentence]:
    """Yield the sentences. Raises DataError with the line for a word without a tag."""
    lines = read_lines(source.path)
    sample = first_lines(lines, _SAMPLE)
    separator = _detect_separator(sample) or _SEPARATORS[0]
    between = _parts_between(sample, separator)
    numbered = enumerate(chain(sample, lines), 1)
    document = NO_DOCUMENT
    for rows in _group_by_blank(numbered) if _is_word_per_line(sample) else ([row] for row in numbered):
        words, tags, numbers = [], [], []
        for number, line in rows:
            if line.startswith(DOCUMENT_MARK):
                document += 1
                continue
            for item in _items(line):
                word, tag = _split(item, separator)
                if not word or not tag:
                    example = f"such as Ada{separator}B-PER"
                    raise source.error(f"{show_row(item)} is not a word with its tag, {example}", number)
                word = _drop_parts(word, separator, between, source)
                words.append(word)
                tags.append(tag)
                numbers.append(number)
        if words:
            yield TaggedSentence(words, tags, numbers, document)


def write(sentences: Iterable[TaggedSentence], out: TextIO, source: SourceFile) -> None:
    """Write one sentence per line, with a slash between words and tags.

    Raises DataError, with the line in the source, for words with spaces, and tags with spaces or slashes.
    """
    document = NO_DOCUMENT
    for i, sentence in enumerate(sentences):
        if sentence.document != document:
            document = sentence.document
            out.write(f"{DOCUMENT_MARK}\n")
        elif i == 0 and sentence.words[0].startswith("\ufeff"):
            out.write("\n")  # otherwise it would be read as the byte order mark of the file
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            if _OTHER.search(word + tag) or "/" in tag or word.startswith(DOCUMENT_MARK):
                raise source.error(f"word/TAG cannot hold {word!r} tagged {tag!r}", sentence.lines[0])
        pairs = zip(sentence.words, sentence.tags, strict=True)
        out.write(" ".join(f"{word}/{tag}" for word, tag in pairs) + "\n")


def _items(line: str) -> list[str]:
    return [item for item in re.split("[ \t]+", line) if item]


def _detect_separator(lines: Sequence[str]) -> str | None:
    """Return the separator between nearly all words and their tags; None if there is none."""
    lines = [line for line in lines if not line.startswith(DOCUMENT_MARK)]
    items = [item for line in lines for item in _items(line)]
    for separator in _SEPARATORS:
        pairs = [_split(item, separator) for item in items]
        tags = [tag for word, tag in pairs if word and tag]
        nearly_all = len(tags) >= _NEARLY_ALL * len(items)
        if tags and nearly_all and sum(map(is_tag, tags)) >= _LEAST_TAGS * len(tags):
            return separator
    return None


def _parts_between(lines: Sequence[str], separator: str) -> int:
    """Return the number of parts that nearly all words have before their tag: 1 in `Ada|NNP|I-PER`."""
    items = [item for line in lines if not line.startswith(DOCUMENT_MARK) for item in _items(line)]
    words = [_split(item, separator)[0] for item in items]
    number = 0
    while len(words) >= _FEWEST_WORDS:
        shorter = [before for word in words if (before := word.rpartition(separator)[0])]
        if len(shorter) < _NEARLY_ALL * len(words):
            break
        words, number = shorter, number + 1
    return number


def _drop_parts(word: str, separator: str, number: int, source: SourceFile) -> str:
    """Return a word without the parts after it, and note them; a word with fewer parts keeps its first."""
    for _ in range(number):
        before = word.rpartition(separator)[0]
        if before:
            source.notes["parts between a word and its tag (parts of speech) dropped"] += 1
            word = before
    return word


def _split(item: str, separator: str) -> tuple[str, str]:
    """Return a word and its tag (which may contain the separator: B-creative_work), or two empty strings."""
    word, _, tag = item.rpartition(separator)
    if is_tag(tag):
        return word, tag
    for match in reversed(list(_PREFIX.finditer(item))):
        if item.endswith(separator, 0, match.start()):
            return item[: match.start() - 1], item[match.start() :]
    return (word, tag) if _LABEL.fullmatch(tag) else ("", "")


def _is_word_per_line(lines: Sequence[str]) -> bool:
    """Return whether every line holds one word, with blank lines among them."""
    text = "\n".join(lines).strip(" \t\n")
    return "\n\n" in text and all(len(_items(line)) <= 1 for line in lines)


def _group_by_blank(rows: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    for blank, group in groupby(rows, key=lambda row: is_blank(row[1])):
        if not blank:
            yield list(group)
