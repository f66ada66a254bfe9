"""`rnner plot`: which runs it reads, and what it says about those that it cannot draw."""

import pytest

from logged_epochs import LOG
from rnner.model.epoch_log import log_text


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs: `one`, `seeds` with two logs, and `new` without any; the working directory is theirs."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "seeds/seed-2", "seeds/seed-10", "new"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "vocabulary.json").write_text("{}")
        if name != "new":
            (tmp_path / name / "log.jsonl").write_text(log_text(LOG))
    (tmp_path / "seeds" / "seeds.json").write_text("{}")
    (tmp_path / "seeds" / "log.jsonl").write_text(log_text(LOG[:1]))  # the best seed's; not drawn twice
    return tmp_path


@pytest.fixture
def drawn(monkeypatch):
    calls = []
    draw = lambda runs, form: calls.append((runs, form)) or b"picture"  # noqa: E731
    monkeypatch.setattr("rnner.render.curves_plot.plot_curves", draw)
    return calls


def test_runs_are_drawn_by_name_and_seeds_together(rnner, runs, drawn):
    outcome = rnner("plot", "one", "seeds/", "-o", "new/c.svg")
    assert (outcome.code, outcome.err) == (0, "wrote new/c.svg\n")
    assert drawn == [({"one": [LOG], "seeds": [LOG, LOG]}, "svg")]
    assert (runs / "new" / "c.svg").read_bytes() == b"picture"


def test_the_default_file_is_replaced(rnner, runs):
    (runs / "curves.png").write_text("old")
    assert rnner("plot", "one").code == 0
    assert (runs / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_working_directory_can_be_a_run(rnner, runs, drawn, monkeypatch):
    monkeypatch.chdir(runs / "one")
    assert rnner("plot", ".").code == 0
    assert list(drawn[0][0]) == ["one"]


def test_runs_of_equal_names_are_told_apart(rnner, runs, drawn):
    assert rnner("plot", "seeds/seed-2", "one", "seeds/seed-2", runs / "seeds" / "seed-10").code == 0
    assert list(drawn[0][0]) == ["seed-2", "one", "seed-10"]


def test_a_run_in_its_first_epoch_is_left_out_with_a_warning(rnner, runs, drawn):
    outcome = rnner("plot", "new", "one")
    assert outcome.code == 0
    assert "warning: new: no epoch is finished yet" in outcome.err
    assert list(drawn[0][0]) == ["one"]
    assert rnner("plot", "new").code == 2


def test_other_folders_beside_runs_are_left_out_with_a_warning(rnner, runs, drawn):
    (runs / "pictures").mkdir()
    outcome = rnner("plot", "one", "pictures")
    assert outcome.code == 0
    assert "warning: pictures: has no log.jsonl" in outcome.err
    assert list(drawn[0][0]) == ["one"]
    assert rnner("plot", "one", "gone").code == 2


def test_a_damaged_log_is_reported_with_its_line(rnner, runs, one_line):
    (runs / "one" / "log.jsonl").write_text(log_text(LOG[:2]) + '{"epoch": 3, "lo')
    one_line(rnner("plot", "one"), 1, "one/log.jsonl:3: is not an epoch of a training log")
    assert not (runs / "curves.png").exists()


def test_bad_calls(rnner, runs, one_line, monkeypatch):
    one_line(rnner("plot", "gone"), 2, "gone: is not a folder", "rnner train")
    one_line(rnner("plot", "."), 2, ".: has no log.jsonl")
    one_line(rnner("plot", "one", "-o", "a.gif"), 2, ".png, .svg, .pdf")
    one_line(rnner("plot"), 2, "rnner plot --help")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    one_line(rnner("plot", "one"), 2, "pip install matplotlib")
