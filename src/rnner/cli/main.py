"""The `rnner` command: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from rnner import __version__
from rnner.cli import lab
from rnner.cli.config import init, list_, schema, show
from rnner.cli.console import print_error, print_text, report_error
from rnner.cli.data_audit import audit
from rnner.cli.data_check import check
from rnner.cli.data_convert import convert
from rnner.cli.data_learning_curve import learning_curve
from rnner.cli.data_rank import rank
from rnner.cli.data_split import split
from rnner.cli.data_stats import stats
from rnner.cli.evaluate import evaluate
from rnner.cli.export import export
from rnner.cli.find_threshold import find_threshold
from rnner.cli.help_pages import HelpCommand, HelpGroup
from rnner.cli.info import info
from rnner.cli.plot import plot
from rnner.cli.predict import predict
from rnner.cli.serve import serve
from rnner.cli.train import train
from rnner.system.terminal import guard_streams

_COMPLETION = "_RNNER_COMPLETE"  # set by the completion scripts of the shells


def _group(name: str, description: str, *commands: Callable[..., None], **settings: Any) -> typer.Typer:
    group = typer.Typer(
        name=name,
        help=description,
        cls=HelpGroup,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )
    for command in commands:
        name = command.__name__.removesuffix("_").replace("_", "-")
        group.command(name, cls=HelpCommand)(command)
    return group


app = _group(
    "rnner",
    """Train and use named-entity taggers built on readable recurrent networks.

    Examples:
        rnner predict "Ada Lovelace wrote to Charles Babbage."
        rnner train --config quickstart
        rnner train --help
    """,
    *(train, evaluate, predict, serve, export, info, plot, find_threshold),
    pretty_exceptions_enable=False,
)
app.add_typer(_group("config", "Write, list, show and describe configs.", init, list_, schema, show))
app.add_typer(
    _group(
        "data",
        "Check, convert, split, audit and rank annotated texts.",
        *(audit, check, convert, learning_curve, rank, split, stats),
    )
)
app.add_typer(lab.app)


def _print_version(requested: bool) -> None:
    if requested:
        print_text(f"rnner {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run `rnner` with the arguments of the process."""
    _open_streams()
    _interrupt_on_signals()
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # if it is not UTF-8
    else:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # like all our files
    guard_streams()
    if _COMPLETION in os.environ or sys.argv[1:2] in (["--install-completion"], ["--show-completion"]):
        typer.main.get_command(app).main(prog_name="rnner")  # Typer's own; it exits
    code = run(sys.argv[1:])
    # Nothing is left to interrupt. During the exit of Python, Ctrl-C would print a traceback of a library.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _open_streams() -> None:
    """Replace streams that were closed before this process started (`<&-`, daemons) with empty ones."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - never closed


def _interrupt_on_signals() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, unless they are ignored (`nohup`)."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Exit codes: 0 done, 1 failed, 2 usage or config, 3 errors found by `rnner data check`, 130 interrupted.

    With RNNER_DEBUG=1 in the environment, errors are raised with their traceback.
    """
    try:
        _invoke(arguments)
        sys.stdout.flush()
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print_error("interrupted")
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has closed the pipe; without this, Python complains when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BaseException as error:  # the user's code may raise SystemExit
        if os.environ.get("RNNER_DEBUG") == "1":
            raise
        return report_error(error)
    return 0


def _invoke(arguments: Sequence[str]) -> None:
    """Run a command without Typer's `main`, which would handle some errors itself."""
    command = typer.main.get_command(app)
    with command.make_context("rnner", list(arguments)) as context:
        command.invoke(context)
