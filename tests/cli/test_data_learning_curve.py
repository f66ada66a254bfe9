"""`rnner data learning-curve`: training, repeating, pictures, bad calls."""

import json

import pytest

COMMAND = ["data", "learning-curve", "--config", "tiny.yaml", "--output", "curve"]
QUICK = ["--set", "training.epochs=1", "--seeds", 1, "--shares", "50,100", "--threads", 1]


def test_a_curve_is_trained_once_and_shown_in_both_formats(rnner, folder):
    outcome = rnner(*COMMAND, *QUICK, "--plot", "curve.png")
    assert outcome.code == 0, outcome.err
    assert "50%" in outcome.out
    assert "needs 4 shares" in outcome.out
    assert outcome.err.splitlines()[-1] == "wrote curve.png"
    models = sorted(path.parent.name for path in (folder / "curve").glob("seed-*/*/model.safetensors"))
    assert models == ["share-0.5", "share-1"]
    (model,) = (folder / "curve").glob("seed-*/share-1/model.safetensors")
    written = model.stat().st_mtime_ns
    repeated = json.loads(rnner(*COMMAND, *QUICK, "--format", "json").out)
    assert [point["share"] for point in repeated["points"]] == [0.5, 1.0]
    assert model.stat().st_mtime_ns == written


def test_bad_calls(rnner, folder, one_line, monkeypatch):
    for shares in ("0", "101", "x", "", "50,,100"):
        one_line(rnner(*COMMAND, "--shares", shares), 2, "--shares", "12.5,25,50,100")
    one_line(rnner(*COMMAND, "--plot", "a.gif"), 2, ".png, .svg, .pdf")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    one_line(rnner(*COMMAND, "--plot", "a.png"), 2, "pip install matplotlib")
    assert not (folder / "curve").exists()


@pytest.mark.slow
def test_parallel_runs_give_the_same_curve(rnner, folder):
    one, other = (
        json.loads(rnner(*COMMAND[:-1], f"curve{jobs}", *QUICK, "--jobs", jobs, "--format", "json").out)
        for jobs in (1, 2)
    )
    assert [point["f1"] for point in one["points"]] == [point["f1"] for point in other["points"]]
