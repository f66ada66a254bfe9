"""Progress of predictions: shown in a terminal only."""

import pytest

from rnner.cli.progress_display import PredictionProgress


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
