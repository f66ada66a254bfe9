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

from rnner.cli.help_pages import default_of, name_of, paragraphs, usage
from rnner.cli.main import app

HEAD = """\
# Command reference

Written by `python scripts/commands_reference.py`; `rnner COMMAND --help` shows the same. Results go to
stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage or config error, 3 errors found by
`rnner data check`, 130 interrupted and saved. `RNNER_DEBUG=1` shows tracebacks.

## Completion

`rnner --install-completion` installs completion for the shell that runs it: bash, zsh, fish or PowerShell.
Open a new terminal to use it. `rnner --show-completion` prints the script instead. The Tab key then completes
commands, options, models (`--model`: the bundled one and the folders in `runs`), configs (`--config`), keys
and their values (`--set training.ep`), formats and other fixed choices. Everywhere else it completes file
names.
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
    shown = [item for item in command.params if not getattr(item, "hidden", False)]
    rows = [f"| `{_cell(name_of(item))}` | {_text(item.help)}{_default(item)} |" for item in shown]
    prose, examples = paragraphs(command.help)
    parts = [f"\n## `{path}`", *map(_escaped, prose), f"```text\n{usage(path, command)}\n```"]
    if examples:
        parts.append("\n".join(["```bash", *examples, "```"]))
    if rows:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _default(item: Any) -> str:
    default = default_of(item)
    return f" Default: `{default}`." if default else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _text(text: str | None) -> str:
    return _cell(_escaped(" ".join((text or "").split())))


def _escaped(text: str) -> str:
    """Return text with expressions in angle brackets as code, so that Markdown shows them."""
    text = text.replace("\b\nExamples:\n", "Examples:\n\n")
    return re.sub(r"(?<!`)<([^<>`]+)>", r"`<\1>`", text)


if __name__ == "__main__":
    Path(__file__).parent.parent.joinpath("docs", "commands.md").write_text(reference(), encoding="utf-8")
