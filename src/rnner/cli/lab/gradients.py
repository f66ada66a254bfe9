"""`rnner lab gradients`: how far the gradient reaches back."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    loaded,
    tell,
)
from rnner.cli.options import Code
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


def gradients(
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="DIR", help="Look into this model, too.")
    ] = None,
    cell: Cells = None,
    code: Code = None,
    output: Output = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Follow the gradient of the last step back through time.

    Its norm at each step before, for several scales of the recurrent weights W_aa: where it vanishes, where
    it explodes, and what clipping does for training then. Each step's share of dL/dW_aa. In fresh cells, and
    in trained ones: those of --model, or else networks that learn agreement as in `rnner lab memory`.
    """
    check_output(output, overwrite)
    cells = chosen_cells(cell, code, threads)
    from rnner.lab import gradients as lab

    decoder = loaded(model) if model else None
    if decoder is not None and not any(hasattr(part, "W_aa") for part in decoder.tagger.encoder.modules()):
        raise UsageError(f"--model {model}: has no recurrence, and that is what is looked at here")
    figures = lab.measure(cells, decoder, seed, quick, tell)
    finish(figures, _shown(figures), lab.draw, (4 * max(3, len(cells)), 6.5), output)


def _shown(figures: dict[str, Any]) -> Group:
    from rich.console import Group

    flows = figures["fresh"] | figures["trained"]
    usual = {name: own for name, own in flows.items() if not name.endswith(("0.5", "1.5", "2.0"))}
    worst = {kind: max(own["errors"][kind] for own in flows.values()) for kind in ("sum", "loop")}
    checked = (
        f"Relative differences: the sum of the steps from the whole {worst['sum']:.0e}; the fused paths from "
        f"autograd {worst['loop']:.0e}"
    )
    return Group(_reach(flows), "", _shares(usual), checked, "", _clipping(figures["clipping"]))


def _reach(flows: dict[str, dict[str, Any]]) -> Table:
    from rnner.render.tables import figures_table

    steps = (1, 5, 10, 20, 40)
    table = figures_table("|da<T>/da<t>|, T-t =", *map(str, steps), "|dL/dx<t>|, 40")
    for name, own in flows.items():
        norms = [own["state"][step] for step in steps] + [own["input"][40]]
        table.add_row(name, *(f"{norm:.1e}" for norm in norms))
    return table


def _shares(flows: dict[str, dict[str, Any]]) -> Table:
    from rnner.render.tables import figures_table

    borders = (0, 1, 2, 5, 10, 20, 40)
    parts = [slice(a, b) for a, b in pairwise(borders)] + [slice(40, None)]
    titles = ("0", "1", "2-4", "5-9", "10-19", "20-39", "40-")
    table = figures_table("share of dL/dW_aa, T-t =", *titles, "sum")
    for name, own in flows.items():
        shares = [sum(own["share"][part]) for part in parts]
        table.add_row(name, *(f"{share:.3f}" for share in shares), f"{sum(shares):.3f}")
    return table


def _clipping(runs: dict[str, Any]) -> Table:
    from rnner.render.tables import figures_table

    titles = ("steps", "first loss", "last loss", "largest gradient")
    table = figures_table("an RNN that learns to add", *titles)
    for name, run in runs.items():
        losses = (f"{run['loss'][0]:.2g}", f"{run['loss'][-1]:.2g}")
        table.add_row(name, str(len(run["loss"])), *losses, f"{max(run['norm']):.1e}")
    return table
