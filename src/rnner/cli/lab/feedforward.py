"""`rnner lab feedforward`: a standard network and an RNN on the same words."""

from __future__ import annotations

from rnner.cli.lab.common import Output, Overwrite, Quick, Seed, Threads, check_output, finish, tell
from rnner.cli.options import start


def feedforward(
    output: Output = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Compare a standard network with an RNN.

    A standard one has weights of its own for each position. Both find names in the sample corpus, from
    one-hot words: how many weights they have, how long a sentence they can read, and how they do at
    positions where training had no word.
    """
    check_output(output, overwrite)
    start(threads=threads)
    from rnner.lab import feedforward as lab
    from rnner.render.tables import figures_table

    figures = lab.measure(seed, quick, tell)
    first, last = figures["first"], figures["positions"]
    titles = ("weights", "longest input", f"F1, words 1-{first}", f"F1, words {first + 1}-{last}")
    table = figures_table("network", "trained on words", *titles, text=2)
    for row in figures["networks"]:
        longest = str(last) if row["network"] == "standard" else "any"
        scores = (f"{f1:.2f}" for f1 in row["f1"])
        table.add_row(row["network"], f"1-{row['shown']}", f"{row['weights']:,}", longest, *scores)
    too_long, all_ = figures["too_long"], figures["test_sentences"]
    table.caption = (
        f"F1 of the words of names; {too_long} of {all_} test sentences do not fit into the window"
    )
    finish(figures, table, lab.draw, (9, 3.5), output)
