"""JSON records as input of `rnner predict`: `{"text": ...}` or `{"tokens": [...]}`, or from annotation tools.

A record keeps its other keys in the output. Annotations that it already has are kept as `input_KEY`, so that
the output has only one annotation under the usual keys: the predicted one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rnner.cli.console import notice
from rnner.cli.prediction_chunks import Chunk, Item, chunks_of
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_stream import InputStream
from rnner.data.formats.span_records import LISTS, TEXTS
from rnner.data.formats.tokens import TAGS, WORDS
from rnner.data.json_text import JsonText, decode_line, shorten, surrogate_problem
from rnner.data.lines import line_error, read_line_blocks, read_pieces
from rnner.errors import DataError

CONTENT_KEYS = (TEXTS[0], *WORDS, *TEXTS[1:])
"""Keys of the text or the words of a record; the first one present is read."""
_ANNOTATION_KEYS = frozenset((*LISTS, *TAGS, "completions", "predictions", "decision"))
_ANSWERS = ("accept", "reject", "ignore", "skip", "undo")  # of Prodigy and of the format decisions
_DEEPEST = 100  # levels; Python cannot write or pickle values that are much deeper


class RecordReader:
    """Turns JSON values into items.

    Args:
        name: the name of the input, for messages.
        failures: handles records that cannot be read.
    """

    def __init__(self, name: str, failures: Failures) -> None:
        self._name, self._failures = name, failures
        self._noted = False

    def lines(self, lines: Iterable[str], first: int) -> Iterator[Item]:
        """Yield the items of lines with one record each; `first` is the number of the first line."""
        for number, line in enumerate(lines, first):
            if line and not line.isspace():
                try:
                    self._check(line, number)
                    value = decode_line(line, self._name, number, _DECODER)
                except DataError as error:
                    yield from self._failures.handle(error)
                else:
                    yield from self.items(value, number)

    def values(self, pieces: Iterable[str]) -> Iterator[Item]:
        """Yield the items of a JSON list of records, or of consecutive records, over any number of lines.

        Args:
            pieces: the text, in pieces of any size.

        Raises:
            DataError: invalid JSON, after which nothing more can be read.
        """
        text = JsonText(pieces, self._name, _DECODER)
        is_list = text.peek() == "["
        if is_list:
            text.skip()
        line = 1
        while start := text.peek(commas=is_list):
            line = text.line
            if is_list and start == "]":
                text.skip()
                if text.peek():
                    raise self._error("not valid JSON: text after the end of the list", line)
                return
            value = text.decode()
            try:
                self._check(text.raw, line)
            except DataError as error:
                yield from self._failures.handle(error)
            else:
                yield from self.items(value, line)
        if is_list:
            raise self._error("not valid JSON: the list is not closed", line)

    def items(self, value: Any, line: int) -> Iterator[Item]:
        """Yield the item of one record, or its replacement if it cannot be read."""
        deep = _is_deep(value)
        try:
            if deep:
                raise self._error(f"lists and objects are nested more than {_DEEPEST} levels deep", line)
            record = self._as_record(value, line)
            key, content = self._content(record, line)
        except DataError as error:
            yield from self._failures.handle(error, value if isinstance(value, dict) and not deep else None)
        else:
            yield Item(content, self._kept(record, key))

    def _error(self, message: str, line: int) -> DataError:
        return DataError(message, self._name, line)

    def _check(self, text: str, first: int) -> None:
        for number, line in enumerate(text.split("\n"), first):
            if error := line_error(line, self._name, number):
                raise error

    def _as_record(self, value: Any, line: int) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):  # spaCy's
            return {**value[1], "text": value[0]}
        is_records = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        advice = "; for a list of records, use --input json" if is_records else ""
        raise self._error(f"{_EXPECTED}; found {shorten(value)}{advice}", line)

    def _content(self, record: dict[str, Any], line: int) -> tuple[str, str | list[str]]:
        """Return the text or the words of a record, and their key."""
        key = next((key for key in CONTENT_KEYS if key in record), None)
        if key is None:
            raise self._error(f"{_EXPECTED}; found the keys {shorten(list(record))}", line)
        content = record[key]
        if key == "data" and isinstance(content, dict):  # a task of Label Studio
            content = _only_text(content)
        problem = _words_problem(content) if key in WORDS else _text_problem(content)
        if problem:
            raise self._error(f'"{key}" {problem}', line)
        return key, content

    def _kept(self, record: Mapping[str, Any], source: str) -> dict[str, Any]:
        """Return the keys of a record for the output; `source` is the key of its text or words.

        If the record has `input_KEY` from an earlier prediction, it is kept, and KEY is dropped.
        """
        has_words = not record.keys().isdisjoint(WORDS)
        kept, renamed = {}, []
        for key, value in record.items():
            unused = key == source == "data" or (key in WORDS and key != source)
            if not (unused or _is_annotation(key, value, has_words=has_words)):
                kept[key] = value
            elif f"input_{key}" not in record:
                kept[f"input_{key}"] = value
                renamed.append(key)
        if renamed and not self._noted:
            self._noted = True
            changes = ", ".join(f"{key} as input_{key}" for key in renamed)
            notice(f"{self._name}: annotations of the input are kept under other keys: {changes}")
        return kept


def record_chunks(stream: InputStream, failures: Failures) -> Iterator[Chunk]:
    """Yield one document per record; each line holds one record.

    Raises:
        DataError: a record cannot be read, and the rule of `failures` is to stop.
    """
    reader = RecordReader(stream.name, failures)

    def blocks() -> Iterator[Iterator[Item]]:
        before = 0
        for lines in read_line_blocks(stream.as_file(), lenient=True):
            yield reader.lines(lines, before + 1)
            before += len(lines)

    return chunks_of(blocks(), stream.is_ready)


def list_chunks(stream: InputStream, failures: Failures) -> Iterator[Chunk]:
    """Yield one document per record of a JSON list.

    Raises:
        DataError: as `record_chunks` does, and for invalid JSON.
    """
    pieces = read_pieces(stream.as_file(), lenient=True)
    return chunks_of([RecordReader(stream.name, failures).values(pieces)])


_EXPECTED = 'expected {"text": "..."} or {"tokens": ["...", ...]}'


def _is_annotation(key: str, value: Any, *, has_words: bool) -> bool:
    """Return whether a key holds annotation. In a record with words, a list of strings does: their tags."""
    if key == "answer":
        return value in _ANSWERS
    if key == "entities":
        return True
    is_list = isinstance(value, list) and (has_words or not any(isinstance(item, str) for item in value))
    return key in _ANNOTATION_KEYS and (is_list or isinstance(value, dict))


def _is_deep(value: Any) -> bool:
    """Return whether lists and objects are nested too deeply."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [item for item in level if isinstance(item, (list, dict))]
        level = [child for item in inner for child in (item.values() if isinstance(item, dict) else item)]
    return bool(level)


def _only_text(data: dict[str, Any]) -> Any:
    """Return the text in the data of a Label Studio task: `text`, or the only string."""
    strings = [value for value in data.values() if isinstance(value, str)]
    return data.get("text", strings[0] if len(strings) == 1 else None)


def _text_problem(text: Any) -> str:
    """Return what is wrong with a text, or an empty string."""
    return surrogate_problem(text) if isinstance(text, str) else f"must be a string, not {shorten(text)}"


def _words_problem(words: Any) -> str:
    """Return what is wrong with a list of words, or an empty string."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return f"must be a list of strings, not {shorten(words)}"
    return next(filter(None, map(surrogate_problem, words)), "") if all(words) else "contains an empty string"


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not allowed")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
