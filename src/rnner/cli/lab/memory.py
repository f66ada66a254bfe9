"""`rnner lab memory`: over how many words a network remembers."""

from __future__ import annotations

from rnner.cli.lab.common import (
    Cells,
    Output,
    Overwrite,
    Quick,
    Seed,
    Threads,
    check_output,
    chosen_cells,
    finish,
    tell,
)
from rnner.cli.options import Code


def memory(
    cell: Cells = None,
    code: Code = None,
    output: Output = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Train cells to let verbs agree with far subjects.

    The cats which ... were full: how often they are right, against the number of words between subject and
    verb.
    """
    check_output(output, overwrite)
    cells = chosen_cells(cell, code, threads)
    from rnner.lab import memory as lab
    from rnner.render.tables import figures_table

    figures = lab.measure(cells, seed, quick, tell)
    table = figures_table("words between", *map(str, figures["distances"]))
    for name, own in figures["accuracy"].items():
        pairs = zip(own["mean"], own["deviation"], strict=True)
        table.add_row(name, *(f"{mean:.2f}±{deviation:.2f}" for mean, deviation in pairs))
    longest = figures["longest_in_training"]
    table.caption = f"share of verbs that agree, over seeds; a coin: 0.50; beyond {longest}: none in training"
    finish(figures, table, lab.draw, (9, 4), output)
