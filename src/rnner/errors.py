"""The errors a user may see. Each says what came, what is allowed and what to do next.

The command line prints `str(error)` and exits with `error.exit_code`; nothing else is caught there.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path


class RnnerError(Exception):
    """Something the user can mend. `exit_code` is what the command line exits with."""

    exit_code = 1


class UsageError(RnnerError):
    """The call itself is off: an option, a device that is not there, an output that exists."""

    exit_code = 2


class ConfigError(UsageError):
    """A config with one or more problems, all of them told at once.

    Args:
        problems: one sentence each, naming the key (`training.epochs: ...`).
        source: the config file, if there is one.
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
    """Data that cannot be read as it stands.

    Args:
        message: what is wrong and what to do.
        path: the file.
        line: counted from 1.
        column: counted from 1.
    """

    def __init__(
        self, message: str, path: Path | str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        self.message, self.path, self.line, self.column = message, path, line, column
        where = ":".join(str(part) for part in (path, line, column) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)


class ModelError(RnnerError):
    """A model folder that is missing, broken, foreign, or needs something that was not given."""


class TrainingError(RnnerError):
    """Training that cannot go on, such as a loss that is not finite."""


def did_you_mean(word: str, words: Collection[str]) -> str:
    """` (did you mean X?)` with the closest of the words there are, or nothing if none is close."""
    lowered = {known.lower(): known for known in words}
    matches = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f" (did you mean {lowered[matches[0]]}?)" if matches else ""
