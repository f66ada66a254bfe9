"""Checks of the text of lines and tokens: bytes, columns, characters, length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rnner.data.formats.columns import LONG_SENTENCE, NO_BLANK_LINES
from rnner.errors import counted
from rnner.text.spacing import join
from rnner.text.unspaced import segmented_words
from rnner.workbench.check.findings import Finding, abridge
from rnner.workbench.check.lenient_reader import ColumnFile

_STRAY = re.compile("[\udc80-\udcff\0]")  # bytes that are not UTF-8, and NUL
# Control and format characters. Joiners count only at the ends of a token: inside, emoji and some scripts
# need them. Direction marks, soft hyphens and the like are never needed.
_INVISIBLE = re.compile(
    "[\x01-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|^[\u200c\u200d\ufe00-\ufe0f]+|[\u200c\u200d]+$"
)
_SPACE = re.compile(r"\s")  # no-break, ideographic and other spaces, and plain ones
# UTF-8 of Latin letters, typographic quotes and emoji, read as Windows-1252.
_MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|â„¢|ðŸ|ï¸|ï»¿")

_Problem = tuple[str, int, str]  # kind, offset in the token, message


def check_bytes(file: ColumnFile) -> Iterator[Finding]:
    """Find bytes that are not UTF-8, and NUL characters; at most one finding per line."""
    for number, line in enumerate(file.lines, 1):
        if (line.isascii() and "\0" not in line) or not (stray := _STRAY.search(line)):
            continue
        what = "a NUL character" if stray[0] == "\0" else f"the byte 0x{ord(stray[0]) - 0xDC00:02x}"
        yield Finding("encoding", file.path, number, stray.start() + 1, f"{what} in {abridge(line)}")


def check_columns(file: ColumnFile) -> Iterator[Finding]:
    """Find a layout that cannot be detected, unusual columns, and rows with another separator or width."""
    if file.layout_problem:
        yield Finding("layout", file.path, None, None, file.layout_problem)
        return
    for number, width in file.ragged:
        message = f"{file.layout.wrong_width(width)}: {abridge(file.lines[number - 1])}"
        yield Finding("columns", file.path, number, 1, message)
    if file.layout.tag_choice:
        yield Finding("tag-columns", file.path, None, None, file.layout.tag_choice)
    if file.layout.skipped:
        yield Finding("word-column", file.path, None, None, file.layout.skipped)
    numbers = [number for sentence in file.sentences for number in sentence.lines]
    other = [number for number in numbers if file.layout.has_other_separator(file.lines[number - 1])]
    if other:
        message = f"{counted(len(other), 'row')}, the first is {abridge(file.lines[other[0] - 1])}"
        yield Finding("separators", file.path, other[0], 1, message)


def check_tokens(file: ColumnFile) -> Iterator[Finding]:
    """Find affixes, empty tokens, invisible characters, and text that was decoded with the wrong encoding."""
    if file.affix:
        yield Finding("affix", file.path, None, None, str(file.affix))
    words = {word for sentence in file.sentences for word in sentence.words}
    problems = {word: found for word in words if (found := list(_token_problems(word)))}
    if not problems:
        return
    for sentence in file.sentences:
        for word, number in zip(sentence.words, sentence.lines, strict=True):
            for kind, offset, message in problems.get(word, ()):
                yield Finding(kind, file.path, number, file.token_position(number, offset), message)


def check_length(file: ColumnFile) -> Iterator[Finding]:
    """Find sentences of more than `LONG_SENTENCE` tokens."""
    for sentence in file.sentences:
        if (length := len(sentence.words)) > LONG_SENTENCE:
            start = abridge(join(sentence.words[:8]))
            message = f"{length:,} tokens, starting with {start}"
            if len(file.sentences) == 1:
                message += f"; {NO_BLANK_LINES}"
            yield Finding("long-sentence", file.path, sentence.lines[0], 1, message)


def check_segmented(file: ColumnFile) -> Iterator[Finding]:
    """Find words in a script without spaces, which the tokenizer does not find in raw text."""
    counts = Counter(word for sentence in file.sentences for word in sentence.words)
    if words := segmented_words(counts):
        share = sum(counts[word] for word in words) / counts.total()
        message = f"{share:.0%} of the words, such as {', '.join(words[:3])}"
        yield Finding("segmented", file.path, None, None, message)


def fix_mojibake(word: str) -> str | None:
    """Return a token as it was before its UTF-8 was read as Windows-1252, or None if it was not.

    The five bytes that Windows-1252 does not define are read as C1 control characters, as most decoders do.
    """
    if not _MOJIBAKE.search(word):
        return None
    try:
        return b"".join(_encode(character) for character in word).decode()
    except ValueError:
        return None


def strip_invisible(word: str) -> str:
    """Return a token without invisible and control characters, and without white space at its ends."""
    return _INVISIBLE.sub("", word.replace("\0", "")).strip()


def fix_bytes(line: str) -> str:
    """Return a line with its stray bytes read as Windows-1252, and without NUL characters."""
    return _STRAY.sub(lambda match: "" if match[0] == "\0" else _decode(ord(match[0]) - 0xDC00), line)


def _decode(byte: int) -> str:
    try:
        return bytes([byte]).decode("windows-1252")
    except UnicodeDecodeError:
        return chr(byte)


def _encode(character: str) -> bytes:
    try:
        return character.encode("windows-1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def _escaped(word: str) -> str:
    return abridge(word).encode("ascii", "backslashreplace").decode()


def _token_problems(word: str) -> Iterator[_Problem]:
    if not word.strip():
        yield "empty-token", 0, f"the token {abridge(word)}" if word else "no token"
    elif not word.isalnum() and (match := _INVISIBLE.search(word) or _SPACE.search(word)):
        yield "characters", match.start(), f"U+{ord(match[0][0]):04X} in {_escaped(word)}"
    if "\ufffd" in word:
        yield "damaged-text", word.index("\ufffd"), f"U+FFFD, a lost character, in {abridge(word)}"
    elif not word.isascii() and (match := _MOJIBAKE.search(word)):
        fixed = fix_mojibake(word)
        yield (
            "damaged-text",
            match.start(),
            abridge(word) + (f"; did you mean {abridge(fixed)}?" if fixed else ""),
        )
