"""Write docs/commands.md, the reference of all commands, from the command line's own help.

    python scripts/commands_reference.py

Prints nothing. A test checks that docs/commands.md is up to date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from rnner.cli.main import app

HEAD = """\
# Command reference

Written by `python scripts/commands_reference.py`; `rnner COMMAND --help` shows the same. Results go to
stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage or config error, 3 errors found by
`rnner data check`, 130 interrupted and saved. `RNNER_DEBUG=1` shows tracebacks.
"""


def reference() -> str:
    """Return the page, one section per command."""
    return HEAD + "".join(
        _section(path, command) for path, command in _commands("rnner", typer.main.get_command(app))
    )


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the click command of each command that has no subcommands."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in sorted(command.commands.items()):
        yield from _commands(f"{path} {name}", child)


def _section(path: str, command: Any) -> str:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option" and not item.hidden]
    usage = " ".join([path, *map(_argument, arguments), *(["[OPTIONS]"] if options else [])])
    rows = [
        *(f"| `{_name(item)}` | {_text(item.help)} |" for item in arguments),
        *(f"| {_option(item)} | {_text(item.help)}{_default(item)} |" for item in options),
    ]
    parts = [f"\n## `{path}`", _escaped(command.help or ""), f"```text\n{usage}\n```"]
    if rows:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _argument(item: Any) -> str:
    name = _name(item) + (" ..." if item.nargs == -1 else "")
    return name if item.required else f"[{name}]"


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _option(item: Any) -> str:
    names = sorted(item.opts, key=len)
    value = "" if item.is_flag else f" {item.metavar or item.name.upper()}"
    return ", ".join(f"`{name}{value if name == names[-1] else ''}`" for name in names)


def _default(item: Any) -> str:
    if item.is_flag or item.default in (None, "", ()) or item.required or callable(item.default):
        return ""
    return f" Default: `{getattr(item.default, 'value', item.default)}`."


def _text(text: str | None) -> str:
    return _escaped(" ".join((text or "").split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return text with expressions in angle brackets as code, so that Markdown shows them."""
    text = text.replace("\b\nExamples:\n", "Examples:\n\n")
    return re.sub(r"(?<!`)<([^<>`]+)>", r"`<\1>`", text)


if __name__ == "__main__":
    Path(__file__).parent.parent.joinpath("docs", "commands.md").write_text(reference(), encoding="utf-8")
