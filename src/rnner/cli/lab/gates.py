"""`rnner lab gates`: what the gates do at each word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli.lab.common import (
    Output,
    Overwrite,
    Quick,
    Seed,
    Threads,
    bar,
    check_output,
    finish,
    loaded,
    shades,
    tell,
    words_of,
)
from rnner.cli.options import Code, start

if TYPE_CHECKING:
    from rich.table import Table


def gates(
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="A sentence.")
    ] = "The cats which already ate were full",
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="DIR", help="A tagger. [default: a GRU that learns agreement]"),
    ] = None,
    code: Code = None,
    output: Output = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Show what the gates do over a sentence.

    Γ_u and Γ_r of a GRU; Γ_u, Γ_f and Γ_o of an LSTM: which units open at which word, and how much of each
    word the memory still holds at the end. Forward and, if the model reads backward too, backward.
    """
    check_output(output, overwrite)
    start(threads=threads, code=code)
    from rich.console import Group

    from rnner.lab import gates as lab

    figures = lab.measure(words_of(text), loaded(model) if model else None, seed, quick, tell)
    gates_each = max(len(one["gates"]) for one in figures.values())
    tables = [_table(name, one) for name, one in figures.items()]
    finish(figures, Group(*tables), lab.draw, (3.6 * (1 + gates_each), 3.6 * len(figures)), output)


def _table(name: str, one: dict[str, Any]) -> Table:
    """A row a word, in the order of reading: each gate's units as shades, then what is left of the word."""
    from rich.table import Table

    from rnner.system.terminal import plain

    table = Table(box=None, title=name, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("word", max_width=16, no_wrap=True)
    for gate in one["gates"]:
        table.add_column(f"{gate}: units, mean", no_wrap=True)
    table.add_column("left at the end", no_wrap=True)
    width = 51 // len(one["gates"]) - 6
    for t, word in enumerate(one["words"]):
        units = [gate[t] for gate in one["gates"].values()]
        shown = [f"{shades(values, width)} {sum(values) / len(values):.2f}" for values in units]
        left = one["kept"][-1][t]
        table.add_row(plain(word), *shown, f"{left:.2f} {bar(left, 10)}")
    return table
