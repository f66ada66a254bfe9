"""A user's own cells, from a user's own file. Nothing is ever run from a model folder by itself."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from rnner.errors import UsageError


def load_code(path: Path | str) -> None:
    """Run a Python file that registers cells.

    Raises:
        UsageError: there is no such file, or it fails; the message says at which of its lines.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file; --code takes a Python file that registers cells")
    name = f"rnner_usercode_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: --code takes a Python file, whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
    except Exception as error:
        raise UsageError(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}") from error


def _line(error: BaseException, path: Path) -> int:
    """The last line of `path` on the way to the error."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
