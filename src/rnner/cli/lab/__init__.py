"""`rnner lab`: experiments that show what recurrence does."""

from __future__ import annotations

import typer

from rnner.cli.lab import bidirectional, feedforward, gates, gradients, memory, shapes

app = typer.Typer(
    name="lab",
    help="See what recurrence does, in experiments of a few minutes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("feedforward")(feedforward.feedforward)
app.command("gradients")(gradients.gradients)
app.command("memory")(memory.memory)
app.command("gates")(gates.gates)
app.command("bidirectional")(bidirectional.bidirectional)
app.command("shapes")(shapes.shapes)
