"""Progress of commands and of predictions."""

import io
import re
import time

import pytest

from rnner.cli import progress_display
from rnner.cli.console import Terminal, warn
from rnner.cli.progress_display import Activity, LiveDisplay, PlainDisplay, PredictionProgress
from rnner.training.progress import Step


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [100.0]
    monkeypatch.setattr("rnner.cli.progress_display.time.monotonic", lambda: now[0])
    return now


def test_the_speed_excludes_the_time_until_the_first_chunk(clock, capsys):
    with PredictionProgress(shown=True) as progress:
        for seconds, words in ((30, 1000), (2, 5000), (3, 5000)):
            clock[0] += seconds
            progress.add(words)
    assert capsys.readouterr().err.splitlines()[-1] == "11,000 words, 2,000 words/s"


def test_one_chunk_has_no_speed(clock, capsys):
    with PredictionProgress(shown=True) as progress:
        progress.add(1000)
    assert capsys.readouterr().err.splitlines()[-1] == "1,000 words"


def test_nothing_is_printed_unless_shown(clock, capsys):
    with PredictionProgress(shown=False) as progress:
        progress.add(1000)
    assert capsys.readouterr().err == ""


def test_a_failure_prints_no_summary(clock, capsys):
    with pytest.raises(KeyError), PredictionProgress(shown=True) as progress:
        progress.add(1000)
        raise KeyError
    assert "1,000 words" not in capsys.readouterr().err


# --- activities ----------------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns instead of stderr: call it for what it has been sent."""
    console = Terminal(file=io.StringIO(), force_terminal=True, no_color=True, width=80, soft_wrap=True)
    monkeypatch.setattr("rnner.cli.progress_display.err", console)
    monkeypatch.setattr("rnner.cli.console.err", console)
    return console.file.getvalue


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_long_activity_is_shown_and_leaves_no_trace(terminal):
    with Activity("reading [b]my[/b]\x1b.conll", delay=0) as activity:
        wait_for(lambda: "reading [b]my[/b]\\x1b.conll" in terminal())
        activity.report(1, 4)
        wait_for(lambda: "25%" in terminal())
        activity.report(4, 4, task="counting")
        wait_for(lambda: "counting" in terminal())
    last = terminal().rpartition("counting")[2]
    assert re.search(r"\x1b\[1A\x1b\[2K$", last)  # up, and the line is erased
    assert "100%" not in terminal()


def test_a_short_activity_shows_nothing(terminal, capsys):
    with Activity("reading"):
        pass
    assert terminal() == ""
    assert capsys.readouterr().err == ""


def test_a_quiet_activity_shows_nothing(terminal):
    with Activity("reading", delay=0, quiet=True):
        time.sleep(0.05)
    assert terminal() == ""


def test_warnings_and_errors_pass_through_an_activity(terminal):
    with pytest.raises(KeyError), Activity("reading", delay=0):
        wait_for(lambda: "reading" in terminal())
        warn("two columns")
        raise KeyError
    assert "warning: two columns\n" in terminal()


def test_off_a_terminal_there_is_a_plain_line_every_half_minute(monkeypatch, capsys):
    lines = []
    monkeypatch.setattr(progress_display, "SECONDS_PER_LINE", 0.01)
    monkeypatch.setattr(progress_display, "notice", lines.append)
    with Activity("reading") as activity:
        wait_for(lambda: lines)
        activity.report(1, 4)
        wait_for(lambda: "reading (25%, 0 s)" in lines)
    assert lines[0] == "reading (0 s)"
    assert capsys.readouterr().err == ""


# --- training ------------------------------------------------------------------------------------------


def step(epoch, number):
    return Step(number, 10, epoch, 0.5, 0.01, 1.5, clipped=False, tokens=100, seconds=0.1)


@pytest.mark.parametrize("kind", [LiveDisplay, PlainDisplay])
def test_a_resumed_run_says_where_above_its_table(terminal, kind):
    arguments = [20] if kind is LiveDisplay else []
    with kind(progress_display.err, *arguments) as display:
        display.note("resuming at epoch 7, step 4")
        display.show(step(7, 4))
    assert "resuming at epoch 7, step 4" in terminal().partition("epoch     loss")[0]
    assert terminal().count("epoch     loss") == 1


def test_the_bar_of_a_resumed_run_has_no_blank_fields(terminal):
    with LiveDisplay(progress_display.err, 20) as display:
        assert "epoch 1" not in terminal()
        display.show(step(7, 4))
        display.progress.refresh()
        assert re.search(r"epoch 7/20 \S+ +loss 0.500  1,000 tokens/s  gradient 1.50 +\r?\n?", terminal())
        assert "left" not in terminal()
        for number in range(5, 8):
            time.sleep(0.02)
            display.show(step(7, number))
        display.progress.refresh()
    assert re.search(r"gradient 1.50 +0:00:0[0-9] left", terminal())  # not estimated from earlier epochs
    assert "-:--" not in terminal()
