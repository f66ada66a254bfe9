"""`rnner data`: look at annotated corpora, mend and convert them; no model is needed."""

from __future__ import annotations

import typer

from rnner.cli.data import audit, check, convert, split, stats

app = typer.Typer(
    name="data",
    help="Look at annotated corpora before anything is trained on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("audit")(audit.audit)
app.command("check")(check.check)
app.command("convert")(convert.convert)
app.command("split")(split.split)
app.command("stats")(stats.stats)
