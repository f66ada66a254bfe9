"""The command line: one thin file a command, and the only layer that prints, prompts or exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import click
import typer

from rnner import __version__
from rnner.cli import config, evaluate, info, predict, train
from rnner.cli.console import complain
from rnner.errors import RnnerError

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
app.command("info")(info.info)
app.add_typer(config.app, name="config")


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
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0 done, 1 failed, 2 usage or config, 3 data check failed, 130 interrupted.

    With RNNER_DEBUG=1 in the environment, errors come with their traceback.
    """
    try:
        code = app(list(arguments), prog_name="rnner", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # Who reads our output (`| head`) has enough; Python must not complain when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return 130
    except RnnerError as error:
        if os.environ.get("RNNER_DEBUG") == "1":
            raise
        complain(str(error))
        return error.exit_code
    except Exception as error:
        if os.environ.get("RNNER_DEBUG") == "1":
            raise
        complain(f"{_unforeseen(error)} (RNNER_DEBUG=1 shows where)")
        return 1
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory: lower training.batch_tokens, or predict in smaller batches"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file'}: {error.strerror}"
    return f"unforeseen {type(error).__name__}: {error}"
