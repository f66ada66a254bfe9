"""Help pages: one sentence, details and examples, then the options in panels.

The docstring of a command is its help. A paragraph that begins with `Examples:` is printed as it is, the
others are wrapped. An option is in the panel that its `rich_help_panel` names (`rnner.cli.options`).
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from rnner.cli.completion import brief
from rnner.cli.console import Terminal, err, out
from rnner.cli.options import COMPUTATION, INPUT, LIMITS, MODEL_PANEL, OUTPUT, SERVER, TRAINING

if TYPE_CHECKING:
    from rich.panel import Panel

EXAMPLES = "Examples:"
_PANELS = (INPUT, MODEL_PANEL, TRAINING, OUTPUT, SERVER, LIMITS, COMPUTATION)
_OTHER = "Options"
_WIDTH = 100  # columns; longer lines are hard to read
_NAME_WIDTH = 30  # a longer name and its value are wrapped


class HelpCommand(TyperCommand):
    """A command whose help is a page of this module."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help page."""
        _print_page(self, ctx, out)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the completions, with short descriptions."""
        return _briefly(super().shell_complete(ctx, incomplete))


class HelpGroup(TyperGroup):
    """A group of commands whose help is a page of this module. Without a command, the page goes to stderr."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help page."""
        _print_page(self, ctx, out)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the completions, with short descriptions."""
        return _briefly(super().shell_complete(ctx, incomplete))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; if there are none, print the help page and exit with 2."""
        if not args and not ctx.resilient_parsing:
            _print_page(self, ctx, err)
            raise typer.Exit(2)
        return super().parse_args(ctx, args)


def _briefly(items: list[Any]) -> list[Any]:
    for item in items:
        item.help = brief(item.help)
    return items


def usage(path: str, command: Any) -> str:
    """Return how to call a command, such as `rnner export [OPTIONS]`; `path` is `rnner export`."""
    if hasattr(command, "commands"):
        return f"{path} COMMAND"
    arguments = [name_of(param) for param in command.params if param.param_type_name == "argument"]
    return " ".join([path, *arguments, "[OPTIONS]"])


def name_of(param: Any) -> str:
    """Return the names of a parameter and its value: `FILE`, `[TEXT ...]` or `--output, -o FILE`."""
    if param.param_type_name == "argument":
        name = (param.metavar or param.name.upper()).strip("[]")
        name += " ..." if param.nargs == -1 and not name.endswith("...") else ""
        return name if param.required else f"[{name}]"
    names = ", ".join(sorted(param.opts, key=len, reverse=True))
    return names if param.is_flag else f"{names} {param.metavar or param.name.upper()}"


def default_of(param: Any) -> str:
    """Return the default of an option, or an empty string if it has none that says anything."""
    default = getattr(param.default, "value", param.default)
    says_nothing = (
        default is None or isinstance(default, bool) or callable(default) or default in ("", (), [])
    )
    return "" if says_nothing or param.param_type_name == "argument" or param.required else str(default)


def paragraphs(text: str | None) -> tuple[list[str], list[str]]:
    """Return the paragraphs of a help text, each in one line, and the commands of its examples."""
    prose, examples = [], []
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        first, *rest = paragraph.splitlines() or [""]
        if first == EXAMPLES:
            examples = [line.strip() for line in rest]
        else:
            prose.append(" ".join(paragraph.split()))
    return prose, examples


def _print_page(command: Any, ctx: Any, console: Terminal) -> None:
    width = min(console.width, _WIDTH)
    for part in _page(command, ctx, width):
        console.print(part, soft_wrap=False, width=width)


def _page(command: Any, ctx: Any, width: int) -> Iterator[Any]:
    prose, examples = paragraphs(command.help)
    for paragraph in (f"Usage: {usage(ctx.command_path, command)}", *prose):
        wrapped = textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
        yield Text(f"{wrapped}\n")
    if examples:
        yield Text(EXAMPLES, style="bold")
        yield Text("".join(f"  {example}\n" for example in examples), style="cyan")
    if hasattr(command, "commands"):
        shown = ((name, paragraphs(child.help)[0][0]) for name, child in command.commands.items())
        yield _panel("Commands", [(name, Text(sentence)) for name, sentence in shown])
    panels: dict[str, list[tuple[str, Text]]] = {name: [] for name in (*_PANELS, _OTHER)}
    for param in command.get_params(ctx):
        if not getattr(param, "hidden", False):
            default = INPUT if param.param_type_name == "argument" else _OTHER
            panel = getattr(param, "rich_help_panel", None) or default
            panels.setdefault(panel, []).append((name_of(param), _help_of(param)))
    for title, rows in panels.items():
        if rows:
            yield _panel(title, rows)


def _help_of(param: Any) -> Text:
    text = Text(" ".join((param.help or "").split()))
    if param.required and param.param_type_name == "option":
        text.append(" [required]", style="dim")
    if default := default_of(param):
        text.append(f" [default: {default}]", style="dim")
    return text


def _panel(title: str, rows: list[tuple[str, Text]]) -> Panel:
    from rich.panel import Panel
    from rich.table import Table

    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(
        style="bold", max_width=_NAME_WIDTH, width=min(_NAME_WIDTH, max(len(r[0]) for r in rows))
    )
    table.add_column(ratio=1)
    for name, text in rows:
        table.add_row(Text(name), text)
    return Panel(table, title=title, title_align="left", border_style="dim")
