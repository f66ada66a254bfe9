"""Messages: one line each off a terminal, wrapped between words in a terminal."""

import pytest

from rnner.cli import console
from rnner.cli.console import Terminal, notice, print_error, warn

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
