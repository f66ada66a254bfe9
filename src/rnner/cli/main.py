"""The command line: one thin file a command, and the only layer that prints, prompts or exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from rnner import __version__
from rnner.cli import config, data, evaluate, export, info, lab, predict, train
from rnner.cli.console import complain, tell

app = typer.Typer(
    name="rnner",
    help="Train named-entity taggers built on recurrent networks you can read, and find names with them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("export")(export.export)
app.command("info")(info.info)
app.add_typer(config.app, name="config")
app.add_typer(data.app, name="data")
app.add_typer(lab.app, name="lab")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rnner {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point of `rnner`."""
    _open_streams()
    if not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # as all files we read and write
    sys.exit(run(sys.argv[1:]))


def _open_streams() -> None:
    """Let streams that were closed before we began (`<&-`, as of some daemons) be empty ones."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for good


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0 done, 1 failed, 2 usage or config, 3 errors in data that was checked, 130 interrupted.

    With RNNER_DEBUG=1 in the environment, errors come with their traceback.
    """
    try:
        _invoke(arguments)
        sys.stdout.flush()
    except typer.Exit as leaving:
        return leaving.exit_code
    except (typer.Abort, KeyboardInterrupt):
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # Who reads our output (`| head`) has enough; Python must not complain when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("RNNER_DEBUG") == "1":
            raise
        return tell(error)
    return 0


def _invoke(arguments: Sequence[str]) -> None:
    """Run a command with nothing between us and its errors: Typer's own `main` would handle some."""
    command = typer.main.get_command(app)
    with command.make_context("rnner", list(arguments)) as context:
        command.invoke(context)
