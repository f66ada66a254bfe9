"""`rnner lab bidirectional`: what the words to come tell."""

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
    tell,
    words_of,
)
from rnner.cli.options import Code, start

if TYPE_CHECKING:
    from rich.console import Group

SENTENCES = ("He said, Teddy Roosevelt was a great president", "He said, Teddy bears are on sale")


def bidirectional(
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT ...]", help="Sentences.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="DIR",
            help="A model. Repeatable. [default: a forward-only and a bidirectional one are trained]",
        ),
    ] = None,
    code: Code = None,
    output: Output = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Show what reading both ways brings, word by word.

    How probable it is that each word belongs to a name, for models that read forward only or both ways.
    Without --model, several of each are trained on the sample corpus, and the means are told.
    """
    check_output(output, overwrite)
    start(threads=threads, code=code)
    from rnner.lab import bidirectional as lab

    sentences = [words_of(text) for text in texts or SENTENCES]
    given = {name: loaded(name) for name in models or []}
    figures = lab.measure(sentences, given, seed, quick, tell)
    finish(figures, _shown(figures), lab.draw, (9, 2.3 * len(sentences)), output)


def _shown(figures: dict[str, Any]) -> Group:
    from rich.console import Group

    from rnner.render.tables import figures_table
    from rnner.system.terminal import plain

    shown: list[Any] = []
    for row in figures["sentences"]:
        table = figures_table("P(name)", *map(plain, row["names"]), text=1 + len(row["names"]))
        for n, word in enumerate(row["words"]):
            shares = [own[n] for own in row["names"].values()]
            table.add_row(plain(word), *(f"{share:.2f} {bar(share, 25)}" for share in shares))
        shown += [table, ""]
    if figures["f1"]:
        shown.append(
            "F1 on sample:test: " + ", ".join(f"{name} {f1:.3f}" for name, f1 in figures["f1"].items())
        )
    return Group(*shown)
