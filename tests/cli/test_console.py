"""Messages: one line each off a terminal, wrapped between words in a terminal."""

import io
import re

import pytest
from rich.table import Table
from rich.text import Text

from rnner.cli import console
from rnner.cli.console import Terminal, notice, print_error, report_error, warn
from rnner.errors import ConfigError, DataError
from rnner.system.terminal import printable

LONG = "/data/" + "corpus/" * 20 + "train.conll:3: [red]three[/red] columns :smile: where most rows have two"


def test_messages_are_unchanged_lines_off_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_error(LONG)
    warn(LONG)
    notice(LONG)
    notice(LONG, quiet=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"error: {LONG}\nwarning: {LONG}\n{LONG}\n"


def test_messages_wrap_between_words_in_a_terminal(capsys, monkeypatch):
    terminal = Terminal(stderr=True, soft_wrap=True, force_terminal=True, color_system=None, width=40)
    monkeypatch.setattr(console, "err", terminal)
    print_error(LONG)
    lines = capsys.readouterr().err.splitlines()
    assert [word for line in lines for word in line.split()] == ["error:", *LONG.split()]
    assert all(len(line.rstrip()) <= 40 for line in lines if " " in line.strip())


def test_a_closed_pipe_raises():
    class Closed:
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            pass

    with pytest.raises(BrokenPipeError):
        Terminal(file=Closed()).print("Ada")


HOSTILE = "a\x1b[31m\r\nerror: forged\x9b\u202e\u2028\udcff.conll"
ESCAPED = r"a\x1b[31m\r\nerror: forged\x9b\u202e\u2028\udcff.conll"


def test_a_message_is_one_line_whatever_it_quotes(capsys):
    report_error(DataError("the file cannot be read", HOSTILE))
    report_error(OSError(2, "No such file", HOSTILE))
    report_error(KeyError("x\ny"))
    warn(HOSTILE)
    notice(HOSTILE)
    assert capsys.readouterr().err.splitlines() == [
        f"error: {ESCAPED}: the file cannot be read",
        f"error: {ESCAPED}: No such file (RNNER_DEBUG=1 shows the traceback)",
        r"error: unexpected KeyError: 'x\ny' (RNNER_DEBUG=1 shows the traceback)",
        f"warning: {ESCAPED}",
        ESCAPED,
    ]


def test_the_details_of_an_error_are_lines_and_each_is_printable(capsys):
    report_error(ConfigError([f"{HOSTILE}: unknown key", "other: unknown key"], "c.yaml"))
    assert capsys.readouterr().err.splitlines() == [
        "error: c.yaml: 2 problems in the config",
        f"  - {ESCAPED}: unknown key",
        "  - other: unknown key",
    ]


def test_a_long_message_keeps_its_beginning_and_its_advice(capsys):
    print_error(f"the label {'x' * 1_000_000} is not valid; rename it")
    message = capsys.readouterr().err
    assert len(message) < 5_000
    assert message.startswith("error: the label xxx") and message.endswith("xxx is not valid; rename it\n")


@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_what_rich_prints_is_printable(colours):
    stream = io.StringIO()
    terminal = Terminal(file=stream, force_terminal=colours is not None, color_system=colours, width=60)
    table = Table("[red]word", "\u202etitle")
    table.add_row("\x1b[5;41mAda[/red]", Text("a\x9b2J\udcff", style="bold"))
    for renderable in (table, HOSTILE, Text(HOSTILE), "[link=https://x]y[/link]"):
        terminal.print(renderable)
    shown = re.sub(r"\x1b\[[0-9;]*m", lambda own: "" if "41" not in own[0] else own[0], stream.getvalue())
    assert printable(shown, keep="\n") == shown
    for text in (r"\x1b[5;41mAda", "[red]word", "[link=https://x]y[/link]"):
        assert text in shown
