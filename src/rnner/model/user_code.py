"""Loading a user's own cells and tokenizers from a Python file that the user names.

Code in a model folder is never executed.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path

from rnner.errors import UsageError

_PREFIX = "rnner_usercode_"  # of module names


def load_code(path: Path | str) -> None:
    """Execute a Python file that registers cells or tokenizers.

    Raises:
        UsageError: the file does not exist, or it fails; the message names the line.
    """
    path = Path(path)
    source = path.resolve()  # the name in tracebacks and in the registry of cells
    if not path.is_file():
        raise UsageError(
            f"{path}: file not found; --code takes a Python file that registers cells or tokenizers"
        )
    name = f"{_PREFIX}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: --code takes a Python file, whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[name]
        line = _line_in(source, error)
        place = f"{path}:{line}" if line else str(path)
        # The text of a SyntaxError would repeat the place.
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{place}: {type(error).__name__}: {message}") from error


def place_in_code(error: BaseException) -> str | None:
    """Return `file:line` of the last frame of an error in user code; None if there is no such frame."""
    place = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).startswith(_PREFIX):
            place = f"{frame.f_code.co_filename}:{line}"
    return place


def _line_in(source: Path, error: BaseException) -> int | None:
    """Return the line of the last frame of an error in `source`; None if there is no such frame."""
    if isinstance(error, SyntaxError) and error.filename == str(source):
        return error.lineno
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == str(source)]
    return lines[-1] if lines else None
