"""Formats and files that `rnner evaluate` writes."""

import json

import pytest

GOLD = "Ada B-PER\nLovelace I-PER\nwrote O\nto O\nBell B-ORG\nLabs I-ORG\n. O\n\nOslo B-LOC\nslept O\n"
FOUND = GOLD.replace("B-LOC", "B-PER").replace("Labs I-ORG", "Labs O")


@pytest.fixture
def evaluate(rnner, tmp_path, monkeypatch):
    """Evaluate found.conll against gold.conll and return the outcome."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.conll").write_text(GOLD)
    (tmp_path / "found.conll").write_text(FOUND)
    return lambda *options: rnner("evaluate", "gold.conll", "--predictions", "found.conll", *options)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("report.html", "<!doctype html>"),
        ("REPORT.HTML", "<!doctype html>"),
        ("report.md", "### `found.conll` on `gold.conll`"),
        ("report.json", '{\n  "f1": 0.33'),
        ("report.txt", "Type "),
        ("new/report.md", "###"),
    ],
)
def test_the_suffix_of_the_output_decides_its_format(evaluate, tmp_path, name, start):
    outcome = evaluate("--output", name)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize("form", ["html", "markdown", "json", "conlleval"])
def test_a_file_has_what_stdout_would_have(evaluate, tmp_path, form):
    shown = evaluate("--format", form)
    assert shown.code == 0 and shown.out.endswith("\n")
    assert evaluate("--format", form, "-o", "report.out").out == ""
    assert (tmp_path / "report.out").read_text(encoding="utf-8") == shown.out


def test_a_table_in_a_file_is_plain_text(evaluate, tmp_path):
    evaluate("--output", "report.txt")
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert "\x1b" not in text and "[PER Oslo] slept" in text and max(map(len, text.splitlines())) <= 100


def test_an_unknown_suffix_is_refused(evaluate, one_line):
    outcome = evaluate("--output", "report.pdf")
    one_line(outcome, 2, "--output report.pdf: use a name in .html, .md, .json or .txt, or give --format")


def test_an_input_is_not_replaced(evaluate, tmp_path, one_line):
    for name in ("gold.conll", "found.conll"):
        outcome = evaluate("--format", "json", "--output", name)
        one_line(outcome, 2, f"{name}: is an input file; choose another --output")
    assert (tmp_path / "gold.conll").read_text() == GOLD


def test_a_folder_is_not_replaced(evaluate, tmp_path, one_line):
    (tmp_path / "out.html").mkdir()
    one_line(evaluate("--output", "out.html"), 2, "out.html: is a folder; --output takes a file")


def test_the_reports_of_a_model_have_its_name_and_only_html_needs_probabilities(rnner, trained, folder):
    call = ("evaluate", "test.conll", "--model", trained)
    assert rnner(*call, "-o", "report.html").code == rnner(*call, "-o", "report.md").code == 0
    page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert f"<bdi>{trained}</bdi>" in page and "Reliability diagram" in page
    assert text.startswith(f"### `{trained}` on `test.conll`\n")


def test_several_models_are_compared_in_every_format(rnner, trained, folder):
    call = ("evaluate", "test.conll", "--model", trained, "--model", trained)
    for name in ("report.html", "report.md", "report.json", "report.txt"):
        assert rnner(*call, "--output", name).code == 0
        assert "Ensemble" in (folder / name).read_text() or name == "report.json"
    assert len(json.loads((folder / "report.json").read_text())["models"]) == 2
    assert (folder / "report.html").read_text().count("Reliability diagram") == 2  # the ensemble has none


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--raw", "--format", "html"), "--raw takes one --model, and --format table or json"),
        (("--raw", "--output", "report.md"), "--raw takes one --model, and --format table or json"),
        (("--model", "en", "--model", "en", "--matches", "-o", "r.md"), "--matches is for one system"),
    ],
)
def test_options_that_a_format_cannot_show_are_refused(rnner, folder, one_line, options, part):
    one_line(rnner("evaluate", "test.conll", *options), 2, part)


def test_labels_and_names_are_escaped(rnner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "<b>.conll").write_text("<i> B-<u>|x\nslept O\n")
    (tmp_path / "found.conll").write_text("<i> O\nslept B-<u>|x\n")
    for suffix in ("html", "md"):
        call = ("evaluate", "<b>.conll", "--predictions", "found.conll", "-o", f"r.{suffix}")
        assert rnner(*call).code == 0
    page, text = (tmp_path / "r.html").read_text(), (tmp_path / "r.md").read_text()
    assert "<i>" not in page and "<u>" not in page and "<b>" not in page and "&lt;u&gt;|x" in page
    assert "`<b>.conll`" in text and "`<i>` <code>&#60;u&#62;&#124;x</code>" in text
