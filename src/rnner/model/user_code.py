"""A user's own cells, from a user's own file. Nothing is ever run from a model folder by itself."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from rnner.errors import UsageError

_PREFIX = "rnner_usercode_"  # of the names of their modules


def load_code(path: Path | str) -> None:
    """Run a Python file that registers cells.

    Raises:
        UsageError: there is no such file, or it fails; the message says at which of its lines.
    """
    path = Path(path)
    source = path.resolve()  # what tracebacks, and the registry of cells, know the file by
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file; --code takes a Python file that registers cells")
    name = f"{_PREFIX}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: --code takes a Python file, whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = _line(error, source)
        where = f"{path}:{line}" if line else str(path)
        raise UsageError(f"{where}: {type(error).__name__}: {_message(error)}") from error


def place_in_code(error: BaseException) -> str | None:
    """`file:line` of the last line of a user's code on the way to an error; None if it came another way."""
    place, trace = None, error.__traceback__
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__", "")).startswith(_PREFIX):
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _line(error: BaseException, source: Path) -> int | None:
    """The last line of `source` on the way to the error; None if it got to none."""
    if isinstance(error, SyntaxError) and error.filename == str(source):
        return error.lineno
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(source):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _message(error: BaseException) -> str:
    """What it says; a SyntaxError's text would repeat the place."""
    return error.msg if isinstance(error, SyntaxError) else str(error)
