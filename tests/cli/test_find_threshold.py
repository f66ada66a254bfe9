"""`rnner find-threshold`: the table, JSON, and what to do with the result."""

import json
import re

import pytest


@pytest.fixture
def find(rnner, folder, model):
    return lambda *arguments: rnner("find-threshold", "dev.conll", "--model", model, *arguments)


def test_the_table_marks_the_best_threshold_and_says_how_sure_it_is(find, model):
    outcome = find()
    assert outcome.code == 0, outcome.err
    assert re.search(r"^now \(none\) +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d", outcome.out, re.MULTILINE)
    assert len(re.findall(r"\d\.\d\d best ", outcome.out)) == 1
    assert "95% interval" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_json_has_every_threshold(find):
    report = json.loads(find("--format", "json", "--maximize", "f0.5").out)
    assert report["beta"] == 0.5
    assert [point["threshold"] for point in report["thresholds"]] == [n / 100 for n in range(2, 100)]
    assert report["best"] in report["thresholds"]


def test_the_threshold_is_applied_as_the_advice_says(find, rnner, model):
    best = json.loads(find("--format", "json", "--target-precision", "0.01").out)["best"]
    advice = find("--target-precision", "0.01").err
    assert f"set `threshold: {best['threshold']:g}` in {model}/config.yaml" in advice
    config = model / "config.yaml"
    config.write_text(re.sub("threshold: null", f"threshold: {best['threshold']}", config.read_text()))
    scores = json.loads(rnner("evaluate", "dev.conll", "--model", model, "--format", "json").out)
    assert (scores["precision"], scores["recall"]) == (best["precision"], best["recall"])


def test_a_precision_that_no_threshold_reaches_is_reported_with_the_table(rnner, folder, model):
    (folder / "odd.conll").write_text("Ada O\nslept B-PER\n")
    outcome = rnner("find-threshold", "odd.conll", "--model", model, "--target-precision", "1")
    assert outcome.code == 1
    assert "Threshold" in outcome.out
    assert "error: no threshold reaches a precision of 1; the highest is" in outcome.err


def test_bad_calls(find, rnner, folder, one_line):
    one_line(find("--maximize", "f1", "--target-precision", "0.9"), 2, "cannot be combined")
    one_line(find("--target-precision", "90"), 2, "--target-precision")
    one_line(find("--maximize", "f3"), 2, "f0.5")
    (folder / "empty.conll").write_text("It O\nrained O\n")
    outcome = rnner("find-threshold", "empty.conll")
    assert outcome.code == 2
    assert "has no entities" in outcome.err
