"""How far a prediction is: told on a terminal, and nowhere else."""

import pytest

from rnner.cli.progress import Speed


@pytest.fixture
def clock(monkeypatch):
    """Seconds that only pass when they are told to."""
    now = [100.0]
    monkeypatch.setattr("rnner.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_the_speed_leaves_out_the_time_until_the_first_words(clock, capsys):
    with Speed(shown=True) as speed:
        for seconds, words in ((30, 1000), (2, 5000), (3, 5000)):
            clock[0] += seconds
            speed.add(words)
    assert capsys.readouterr().err.splitlines()[-1] == "11,000 words, 2,000 a second"


def test_of_one_chunk_no_speed_is_known(clock, capsys):
    with Speed(shown=True) as speed:
        speed.add(1000)
    assert capsys.readouterr().err.splitlines()[-1] == "1,000 words"


def test_where_it_is_not_shown_nothing_is_told(clock, capsys):
    with Speed(shown=False) as speed:
        speed.add(1000)
    assert capsys.readouterr().err == ""


def test_what_failed_has_no_speed(clock, capsys):
    with pytest.raises(KeyError), Speed(shown=True) as speed:
        speed.add(1000)
        raise KeyError
    assert "1,000 words" not in capsys.readouterr().err
