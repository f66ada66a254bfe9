"""Output files of commands: overwrite checks and atomic replacement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from rnner.errors import UsageError
from rnner.system.files import atomic_replace


def check_output_file(path: Path | None, overwrite: bool = True, *, name: str = "--output") -> None:
    """Check, before any work is done, that writing `path` loses nothing; None means stdout.

    Raises:
        UsageError: it is a folder, or exists and `overwrite` is false. The message contains `name`.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; {name} takes a file")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} already exists; use --overwrite to replace it, or choose another {name}")


def check_picture(path: Path, overwrite: bool = True, *, name: str = "--output") -> str:
    """Check, before any work is done, that a picture can be drawn and written to `path`; return its format.

    Raises:
        UsageError: as `check_output_file` does, or the suffix is not that of a picture, or matplotlib is not
            installed.
    """
    from rnner.render.plotting import PICTURES, require_matplotlib

    form = path.suffix.lower().removeprefix(".")
    if form not in PICTURES:
        known = ", ".join(f".{known}" for known in PICTURES)
        raise UsageError(
            f"{name} {path}: the suffix must be one of {known}, such as {path.with_suffix('.png')}"
        )
    check_output_file(path, overwrite, name=name)
    require_matplotlib()
    return form


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a UsageError about `path`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def open_output(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces `path` only if the block succeeds; see `atomic_replace`.

    Raises:
        UsageError: the file cannot be opened.
    """
    with ExitStack() as stack:
        with write_errors(path):
            file = stack.enter_context(stack.enter_context(atomic_replace(path)).open("wb"))
        yield file


def write_output(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) in one step, and create its folder if there is none.

    Raises:
        UsageError: it cannot be written.
    """
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_output(path) as file:
            file.write(content.encode() if isinstance(content, str) else content)
