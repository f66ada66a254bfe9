"""`rnner lab shapes`: the five shapes of recurrent network."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from rnner.cli.lab.common import Output, Overwrite, Quick, Seed, Threads, check_output, finish, tell
from rnner.cli.options import start


class Shape(str, Enum):
    """What goes in, and what comes out."""

    one_to_one = "one-to-one"
    one_to_many = "one-to-many"
    many_to_one = "many-to-one"
    many_to_many = "many-to-many"
    encoder_decoder = "encoder-decoder"


def shapes(
    names: Annotated[
        list[Shape] | None,
        typer.Argument(metavar="[SHAPE ...]", help=f"{', '.join(Shape)}. [default: all]"),
    ] = None,
    output: Output = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Train networks of five shapes, beside baselines.

    A word to name or not; a label to a new name; a sentence to its genre; a sentence to its names; a number
    in words to its digits.
    """
    check_output(output, overwrite)
    start(threads=threads)
    from rich.console import Group

    from rnner.lab import shapes as lab
    from rnner.render.tables import figures_table
    from rnner.system.terminal import plain

    figures = lab.measure([name.value for name in names or Shape], seed, quick, tell)
    table = figures_table("shape", "measure", "baseline", "network", "seconds", text=2)
    examples = []
    for name, row in figures.items():
        scores = (f"{row['baseline']:.3f}", f"{row['network']:.3f}", f"{row['seconds']:.0f}")
        table.add_row(name, row["measure"], *scores)
        if row["examples"]:
            examples += [f"\n{name}", *(f"  {plain(example)}" for example in row["examples"])]
    finish(figures, Group(table, *examples), lab.draw, (10, 3.5), output)
