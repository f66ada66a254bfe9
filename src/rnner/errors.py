"""Errors shown to users. Each message says what was found, what is allowed and what to do next.

The command line prints `str(error)` and exits with `error.exit_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path


class RnnerError(Exception):
    """An error the user can fix. `exit_code` is the exit code of the command line.

    Examples:
        >>> try:
        ...     rnner.load("runs/gone")
        ... except rnner.RnnerError as error:
        ...     print(str(error).partition(";")[0])
        runs/gone: model folder not found
    """

    exit_code = 1


class UsageError(RnnerError):
    """An invalid request: an unknown option, an unavailable device, an output that already exists."""

    exit_code = 2


class ConfigError(UsageError):
    """A config with one or more problems, all listed in one error.

    Args:
        problems: one sentence per problem, each starting with the key (`training.epochs: ...`).
        source: the config file; None if the config is not from a file.
    """

    def __init__(self, problems: Sequence[str], source: Path | str | None = None) -> None:
        self.problems = list(problems)
        self.source = source
        where = f"{source}: " if source is not None else ""
        if len(self.problems) == 1:
            text = where + self.problems[0]
        else:
            text = f"{where}{len(self.problems)} problems in the config\n" + "\n".join(
                f"  - {problem}" for problem in self.problems
            )
        super().__init__(text)


class DataError(RnnerError):
    """Data that cannot be read.

    Args:
        message: what is wrong and how to fix it.
        path: the file.
        line: line number, from 1.
        column: column number, from 1.
    """

    def __init__(
        self, message: str, path: Path | str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        self.message, self.path, self.line, self.column = message, path, line, column
        where = ":".join(str(part) for part in (path, line, column) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)


class ModelError(RnnerError):
    """A model that cannot be loaded: missing, damaged, not from rnner, or without a file that it needs."""


class TrainingError(RnnerError):
    """Training that cannot continue, for example because the loss is not finite."""


def did_you_mean(word: str, words: Collection[str]) -> str:
    """Return ` (did you mean X?)` with the closest of `words`, or an empty string if none is close."""
    lowered = {known.lower(): known for known in words}
    matches = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f" (did you mean {lowered[matches[0]]}?)" if matches else ""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number and its noun: `1 token`, `1,024 tokens`, or `2 entities` with `plural="entities"`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def shorten(text: str, length: int = 120) -> str:
    """Return a text that may quote a file; if it is longer than `length` characters, without its middle."""
    half = length // 2
    return text if len(text) <= length else f"{text[:half]}...{text[-half:]}"


def one_line(message: object) -> str:
    """Return the message of another library, which may quote a file, as one short line."""
    return shorten(" ".join(str(message).split()), 200)
