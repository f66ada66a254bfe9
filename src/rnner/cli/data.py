"""`rnner data`: look at annotated corpora, mend and convert them; no model is needed."""

from __future__ import annotations

import typer

from rnner.cli.data_audit import audit
from rnner.cli.data_check import check
from rnner.cli.data_convert import convert
from rnner.cli.data_split import split
from rnner.cli.data_stats import stats

app = typer.Typer(
    name="data",
    help="Look at annotated corpora before anything is trained on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (audit, check, convert, split, stats):
    app.command(command.__name__)(command)
