"""The prompt of `rnner predict`, in a pseudo-terminal and in this process."""

import time

import pytest

from rnner.cli.prediction_chunks import LONGEST_TEXT

pytest.importorskip("pty", reason="needs pseudo-terminals")
from terminal_session import TerminalSession

UP = "\x1b[A"


def test_each_line_is_answered_at_once_until_ctrl_d(exported):
    with TerminalSession("predict", "--model", exported) as session:
        assert "Ctrl-D leaves" in session.read_until("\n> ")
        session.type("Ada Lovelace wrote to London .\r")
        started = time.monotonic()
        assert "\n[PER Ada Lovelace] wrote to [LOC London] .\n" in session.read_until("\n> ")
        assert time.monotonic() - started < 5  # generous: a machine that is busy
        session.type("\r")
        session.read_until("\n> ")
        session.type("It rained .\r")
        assert session.read_until("\n> ") == "It rained .\nIt rained .\nno names\n> "
        session.type("London\x01\x16\x07\r")  # Ctrl-A goes to the start of the line, Ctrl-V quotes a bell
        shown = session.read_until("\n> ")
        assert "error: character 1 is the control character \\x07; remove it" in shown
        session.type(UP * 2 + "\r")  # recalls the sentence about rain
        assert "\nIt rained .\nno names\n" in session.read_until("\n> ")
        session.type("\x04")
        assert session.finish() == ("\n", 0)


def test_ctrl_c_is_a_way_to_leave(exported):
    with TerminalSession("predict", "--model", exported, "--format", "jsonl") as session:
        session.read_until("\n> ")
        session.type("London slept .\r")
        assert '{"text": "London slept .", "entities": [{"label": "LOC"' in session.read_until("\n> ")
        session.type("half a line")
        session.read_until("half a line")
        session.interrupt()
        shown, code = session.finish()
    assert code == 0
    assert "interrupted" not in shown
    assert "Traceback" not in shown


@pytest.fixture
def at_prompt(rnner, trained, monkeypatch):
    """Type lines at the prompt, and return the outcome."""

    def call(*lines, options=()):
        typed = iter([*lines, EOFError()])

        def next_line(prompt):
            line = next(typed)
            if isinstance(line, Exception):
                raise line
            return line

        for stream in ("stdin", "stdout"):
            monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", next_line)
        monkeypatch.setenv("NO_COLOR", "1")
        return rnner("predict", "--model", trained, *options)

    return call


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Ada\x1b[Dwrote", "error: character 4 is the control character \\x1b; remove it"),
        ("Ada\udce9", "error: character 4 is not valid UTF-8"),
        ("a" * (LONGEST_TEXT + 1), "error: the line has 500,001 characters; the limit is 500,000"),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid"), "error: the line is not valid"),
    ],
)
def test_a_bad_line_is_reported_and_the_next_one_answered(at_prompt, line, problem):
    outcome = at_prompt(line, "London slept .")
    assert outcome.code == 0
    assert problem in outcome.err
    assert "[LOC London] slept ." in outcome.out


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--format", "html"], "--format html needs TEXT in quotes, --file FILE, or text on stdin"),
        (["--input", "lines"], "--input needs --file FILE, or text on stdin"),
        (["--workers", 2], "--workers needs --file FILE, or text on stdin"),
        (["--on-error", "skip"], "--on-error needs --file FILE, or text on stdin"),
    ],
)
def test_options_for_files_are_refused(at_prompt, options, problem):
    outcome = at_prompt(options=options)
    assert outcome.code == 2
    assert problem in outcome.err


def test_results_for_a_file_are_not_typed(at_prompt, tmp_path):
    outcome = at_prompt(options=["--output", tmp_path / "names.jsonl"])
    assert outcome.code == 2
    assert "give a TEXT in quotes" in outcome.err
