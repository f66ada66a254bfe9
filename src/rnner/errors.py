"""Errors shown to users. Each message says what was found, what is allowed and what to do next.

The command line prints `str(error)` and exits with `error.exit_code`.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Collection, Sequence
from pathlib import Path

SHOWN = 20
"""Maximum number of list items that a message shows."""
_COMPARED = 500  # maximum number of words to compare for "did you mean"
_COMPARED_LENGTH = 100  # maximum length of a compared word


class RnnerError(Exception):
    """An error the user can fix. `exit_code` is the exit code of the command line.

    Examples:
        >>> try:
        ...     rnner.load("runs/gone")
        ... except rnner.RnnerError as error:
        ...     print(str(error).partition(";")[0])
        runs/gone: model folder not found

    Args:
        summary: the message, or its first line if it has several.
        details: the other lines of the message.
    """

    exit_code = 1

    def __init__(self, summary: str = "", details: Sequence[str] = ()) -> None:
        self.summary, self.details = summary, list(details)
        super().__init__("\n".join((summary, *details)))


class UsageError(RnnerError):
    """An invalid request: an unknown option, an unavailable device, an output that already exists."""

    exit_code = 2


class ConfigError(UsageError):
    """A config with one or more problems. The message lists the first twenty.

    Args:
        problems: one sentence per problem, each starting with the key (`training.epochs: ...`).
        source: the config file; None if the config is not from a file.
        more: number of further problems that are counted but not listed.
    """

    def __init__(self, problems: Sequence[str], source: Path | str | None = None, *, more: int = 0) -> None:
        self.problems = list(problems)
        self.source = source
        where = f"{source}: " if source is not None else ""
        if len(self.problems) + more == 1:
            super().__init__(where + self.problems[0])
        else:
            shown = [f"  - {problem}" for problem in first_of(self.problems, more=more)]
            super().__init__(f"{where}{len(self.problems) + more:,} problems in the config", shown)


class DataError(RnnerError):
    """Data that cannot be read.

    Args:
        message: what is wrong and how to fix it.
        path: the file.
        line: line number, from 1.
        column: column number, from 1.
        details: the other lines of the message.
    """

    def __init__(
        self,
        message: str,
        path: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
        *,
        details: Sequence[str] = (),
    ) -> None:
        self.message, self.path, self.line, self.column = message, path, line, column
        where = ":".join(str(part) for part in (path, line, column) if part is not None)
        super().__init__(f"{where}: {message}" if where else message, details)


class ModelError(RnnerError):
    """A model that cannot be loaded: missing, damaged, not from rnner, or without a file that it needs."""


class TrainingError(RnnerError):
    """Training that cannot continue, for example because the loss is not finite."""


def closest(word: str, words: Collection[str], cutoff: float = 0.6) -> str | None:
    """Return the word in `words` that is closest to `word`, ignoring case, or None if none is close.

    Comparisons are slow, so long words never match. If there are many words, only the nearest in alphabetical
    order are compared.
    """
    lowered = {known.lower(): known for known in words if len(known) <= _COMPARED_LENGTH}
    word = word.lower()
    if len(word) > _COMPARED_LENGTH:
        return None
    candidates = sorted(lowered)
    if len(candidates) > _COMPARED:
        at = bisect_left(candidates, word)
        candidates = candidates[max(0, at - _COMPARED // 2) : at + _COMPARED // 2]
    matches = difflib.get_close_matches(word, candidates, n=1, cutoff=cutoff)
    return lowered[matches[0]] if matches else None


def did_you_mean(word: str, words: Collection[str]) -> str:
    """Return ` (did you mean X?)` with the closest of `words`, or an empty string if none is close."""
    match = closest(word, words)
    return f" (did you mean {match}?)" if match is not None else ""


def first_of(items: Sequence[str], *, more: int = 0) -> list[str]:
    """Return the first twenty items of a list, and a line with the number of others, including `more`."""
    more += max(0, len(items) - SHOWN)
    return [*items[:SHOWN], *([f"and {more:,} more"] if more else [])]


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number and its noun: `1 token`, `1,024 tokens`, or `2 entities` with `plural="entities"`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def shorten(text: str, length: int = 120) -> str:
    """Return a text without its middle if it is longer than `length` characters."""
    half = length // 2
    return text if len(text) <= length else f"{text[:half]}...{text[-half:]}"


def one_line(message: object) -> str:
    """Return the error message of another library as one short line."""
    return shorten(" ".join(str(message).split()), 200)
