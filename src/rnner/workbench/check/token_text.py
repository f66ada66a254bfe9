"""What is wrong with the lines and tokens as text: bytes, columns, characters, length."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rnner.workbench.check.findings import Finding
from rnner.workbench.check.lenient_reader import ColumnFile

LONG = 200  # tokens; sentences of newspapers hardly ever have half as many

_STRAY = re.compile("[\udc80-\udcff\0]")
# Control and format characters, and all white space. Joiners are told only at the ends of a token: within,
# emoji and some scripts need them. Marks of direction, soft hyphens and the like are never needed.
_UNSEEN = re.compile(
    "[\x01-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|^[\u200c\u200d\ufe00-\ufe0f]+|[\u200c\u200d]+$"
)
_SPACE = re.compile(r"\s")  # no-break, ideographic and other spaces, and plain ones
# What UTF-8 of Latin letters, of typographic quotes and of emoji looks like when it is read as Windows-1252.
_MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|â„¢|ðŸ|ï¸|ï»¿")


def check_bytes(file: ColumnFile) -> Iterator[Finding]:
    """Bytes that are not UTF-8, and NUL characters; one finding a line."""
    for number, line in enumerate(file.lines, 1):
        if (line.isascii() and "\0" not in line) or not (stray := _STRAY.search(line)):
            continue
        what = "a NUL character" if stray[0] == "\0" else f"the byte 0x{ord(stray[0]) - 0xDC00:02x}"
        yield Finding("encoding", file.path, number, stray.start() + 1, f"{what} in {_short(line)}")


def check_columns(file: ColumnFile) -> Iterator[Finding]:
    """A layout that cannot be made out, and rows that do not fit into it."""
    if file.layout is None:
        yield Finding("layout", file.path, None, None, file.problem)
        return
    by = "tabs" if file.layout.separator == "\t" else "spaces"
    for number, width in file.ragged:
        found = f"{width} column{'s' if width != 1 else ''} by {by}, where most rows have {file.layout.width}"
        yield Finding("columns", file.path, number, 1, f"{found}: {_short(file.lines[number - 1])}")


def check_tokens(file: ColumnFile) -> Iterator[Finding]:
    """Empty tokens, characters that cannot be seen, and text that was decoded wrongly."""
    faulty: dict[str, list[tuple[str, int, str]]] = {}
    words = {word for sentence in file.sentences for word in sentence.words}
    for word in words:
        if faults := [fault for look in _LOOKS if (fault := look(word))]:
            faulty[word] = faults
    if not faulty or file.layout is None:
        return
    for sentence in file.sentences:
        for word, number in zip(sentence.words, sentence.lines, strict=True):
            for kind, offset, message in faulty.get(word, ()):
                column = file.column(number, file.layout.token, offset)
                yield Finding(kind, file.path, number, column, message)


def check_length(file: ColumnFile) -> Iterator[Finding]:
    """Sentences of hundreds of tokens."""
    for sentence in file.sentences:
        if (length := len(sentence.words)) > LONG:
            begin = _short(" ".join(sentence.words[:8]))
            yield Finding("long-sentence", file.path, sentence.lines[0], 1, f"{length:,} tokens from {begin}")


def undamaged(word: str) -> str | None:
    """What a token was before its UTF-8 was read as Windows-1252, or None if that is not what happened.

    The five bytes that Windows-1252 leaves open are taken as C1 control characters, as most decoders do.
    """
    if not _MOJIBAKE.search(word):
        return None
    try:
        return b"".join(_byte(character) for character in word).decode()
    except ValueError:
        return None


def visible(word: str) -> str:
    """A token without invisible and control characters, and without white space at its ends."""
    return _UNSEEN.sub("", word.replace("\0", "")).strip()


def mended_bytes(line: str) -> str:
    """A line with the bytes that are not UTF-8 read as Windows-1252, and without NUL characters."""
    return _STRAY.sub(lambda match: "" if match[0] == "\0" else _windows(ord(match[0]) - 0xDC00), line)


def _windows(byte: int) -> str:
    try:
        return bytes([byte]).decode("windows-1252")
    except UnicodeDecodeError:
        return chr(byte)


def _byte(character: str) -> bytes:
    try:
        return character.encode("windows-1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def _empty(word: str) -> tuple[str, int, str] | None:
    return None if word.strip() else ("empty-token", 0, f"the token {word!r}" if word else "no token")


def _unseen(word: str) -> tuple[str, int, str] | None:
    match = None if word.isalnum() else _UNSEEN.search(word) or _SPACE.search(word)
    if match is None or not word.strip():
        return None
    return "characters", match.start(), f"U+{ord(match[0][0]):04X} in {word!a}"


def _damaged(word: str) -> tuple[str, int, str] | None:
    if "\ufffd" in word:
        return "damaged-text", word.index("\ufffd"), f"U+FFFD, a character that was lost, in {word!r}"
    match = None if word.isascii() else _MOJIBAKE.search(word)
    if match is None:
        return None
    meant = undamaged(word)
    return "damaged-text", match.start(), f"{word!r}" + (f", meant for {meant!r}" if meant else "")


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "...")


_LOOKS: tuple[Callable[[str], tuple[str, int, str] | None], ...] = (_empty, _unseen, _damaged)
