"""`rnner lab`: experiments that show what recurrence does."""

from __future__ import annotations

import typer

from rnner.cli.lab.bidirectional import bidirectional
from rnner.cli.lab.feedforward import feedforward
from rnner.cli.lab.gates import gates
from rnner.cli.lab.gradients import gradients
from rnner.cli.lab.memory import memory
from rnner.cli.lab.shapes import shapes

app = typer.Typer(
    name="lab",
    help="See what recurrence does, in experiments of a few minutes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("feedforward")(feedforward)
app.command("gradients")(gradients)
app.command("memory")(memory)
app.command("gates")(gates)
app.command("bidirectional")(bidirectional)
app.command("shapes")(shapes)
