"""The documents that `rnner predict` reads: texts, lines, column files and annotated files, in chunks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from rnner.cli.console import notice
from rnner.cli.prediction_chunks import LONGEST_TEXT, Chunk, Item, chunks_of
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_stream import InputStream
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.columns import ColumnSentence, ConllReader
from rnner.data.lines import line_error, read_line_blocks, read_pieces
from rnner.errors import DataError

_BLANK_LINES, _LINE = re.compile(r"\n(?:[^\S\n]*\n)+"), re.compile(r"\n")
_SENTENCE, _WORD = re.compile(r"""[.!?…]["'”’»)\]]{0,3}\s|[。！？]["'”’」』）]{0,3}"""), re.compile(r"\s")


def argument_chunks(texts: Iterable[str]) -> Iterator[Chunk]:
    """Yield the texts given as arguments, each as one document."""
    return chunks_of([map(Item, texts)])


def text_chunks(stream: InputStream) -> Iterator[Chunk]:
    """Yield a text as one document, or as several with their offsets if it is longer than `LONGEST_TEXT`.

    Raises:
        DataError: as `rnner.data.lines.read_lines` does.
    """
    parts = _split_text(read_pieces(stream.as_file()))
    first = next(parts)
    second = next(parts, None)
    if second is None:
        yield Chunk([Item(first)])
        return
    notice(
        f"{stream.name}: longer than {LONGEST_TEXT:,} characters, so it is split at blank lines (or, "
        "without them, between lines or sentences) into several documents, each with its offset"
    )
    offset = 0
    for part in chain([first, second], parts):
        yield Chunk([Item(part, offset=offset)])
        offset += len(part)


def line_chunks(stream: InputStream, failures: Failures) -> Iterator[Chunk]:
    """Yield one document per line.

    Raises:
        DataError: a line is not text, and the rule of `failures` is to stop.
    """

    def items(lines: list[str], first: int) -> Iterator[Item]:
        for number, line in enumerate(lines, first):
            if error := line_error(line, stream.name, number):
                yield from failures.handle(error)
            else:
                yield Item(line)

    def blocks() -> Iterator[Iterator[Item]]:
        before = 0
        for lines in read_line_blocks(stream.as_file(), lenient=True):
            yield items(lines, before + 1)
            before += len(lines)

    return chunks_of(blocks(), stream.is_ready)


class ColumnInput:
    """A column file of which only the words are read.

    Args:
        stream: the file.
        columns: the column of the words; None: detected.
        failures: handles sentences that cannot be read.
    """

    def __init__(
        self, stream: InputStream, columns: Mapping[str, int | str] | None, failures: Failures
    ) -> None:
        self._source, self._failures = SourceFile(Path(stream.name), columns), failures
        self.reader = ConllReader(
            stream.as_file(),
            columns=self._source.column_numbers,
            tagged=False,
            notes=self._source.notes,
            on_error=self._add_failed,
        )
        self._failed: list[Item] = []

    def chunks(self, sentences: Iterable[ColumnSentence] | None = None) -> Iterator[Chunk]:
        """Yield the sentences, with a replacement for those that cannot be read.

        Args:
            sentences: the sentences of `reader`, if the caller also iterates over them.
        """

        def items() -> Iterator[Item]:
            for sentence in self.reader if sentences is None else sentences:
                yield from self._take_failed()
                yield Item(sentence.words, document=sentence.document)
            yield from self._take_failed()
            _print_notes(self._source)

        return chunks_of([items()])

    def _add_failed(self, error: DataError) -> None:
        self._failed += self._failures.handle(error)

    def _take_failed(self) -> list[Item]:
        failed, self._failed = self._failed, []
        return failed


def annotated_chunks(path: Path, form: str, columns: Mapping[str, int | str] | None) -> Iterator[Chunk]:
    """Yield the texts (or the sentences, as words) of an annotated file, without their annotation.

    Args:
        path: the file.
        form: its format: one of `rnner.data.formats.registry.FORMATS`.
        columns: the column of the words, for formats that have columns; None: detected.

    Raises:
        DataError: the file cannot be read.
    """
    from rnner.data.formats.registry import TEXT_FORMATS, stream_sentences

    source = SourceFile(path, columns, tagged=False)

    def items() -> Iterator[Item]:
        if form in TEXT_FORMATS:
            yield from (Item(document.text) for document in TEXT_FORMATS[form].read(source))
        else:
            for sentence in stream_sentences(source, form):
                yield Item(sentence.words, document=sentence.document)
        _print_notes(source)

    return chunks_of([items()])


def _print_notes(source: SourceFile) -> None:
    for note in source.note_lines():
        notice(f"{source.path}: {note}")


def _split_text(pieces: Iterable[str]) -> Iterator[str]:
    """Yield parts whose concatenation is the text; the split points do not depend on the pieces."""
    text = ""
    for piece in pieces:
        text += piece
        start = 0
        while len(text) - start > LONGEST_TEXT:
            end = _split_point(text, start, start + LONGEST_TEXT)
            yield text[start:end]
            start = end
        text = text[start:]
    yield text


def _split_point(text: str, start: int, stop: int) -> int:
    """Return the end of the last blank line in [start, stop), else of the last line, sentence or word."""
    for boundary in (_BLANK_LINES, _LINE, _SENTENCE, _WORD):
        if last := deque(boundary.finditer(text, start, stop), maxlen=1):
            return last[0].end()
    return stop
