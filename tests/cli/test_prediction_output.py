"""`rnner predict`: output for people, and `--output`."""

import gzip
import json
import re
import signal
import subprocess
import sys

import pytest

TEXT = "Ada Lovelace wrote to Charles Babbage . The letter left London ."


# --- for people ----------------------------------------------------------------------------------------


@pytest.fixture
def in_terminal(rnner, trained, monkeypatch):
    """Predict in a terminal of 40 columns without colour, and return what it shows."""

    def call(*arguments):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "40")
        return re.sub(r"\x1b\[[\d;]*m", "", rnner("predict", "--model", trained, *arguments).out)

    return call


def test_text_is_the_default_in_a_terminal(in_terminal):
    assert in_terminal(TEXT) == (
        "[PER Ada Lovelace] wrote to [PER Charles\nBabbage] . The letter left [LOC London]\n.\n"
        "\n3 names   LOC 1   PER 2\n"
    )


def test_table_is_the_default_off_a_terminal(predict):
    assert predict(TEXT) == predict(TEXT, "--format", "table")
    assert "Characters" in predict(TEXT)


@pytest.mark.parametrize(
    ("suffix", "begin"),
    [
        ("txt", "[PER Ada Lovelace] wrote to"),
        ("html", "<!doctype html>"),
        ("json", '[\n{"text": "Ada'),
        ("jsonl", '{"text": "Ada'),
        ("csv", "document,label,start,end,entity,score\n1,PER,0,12,Ada Lovelace,0."),
        ("tsv", "document\tlabel\tstart\tend\tentity\tscore\n1\tPER\t0\t12\tAda Lovelace\t0."),
        ("conll", "Ada\tB-PER\n"),
    ],
)
def test_the_suffix_of_the_output_is_its_format(in_terminal, tmp_path, suffix, begin):
    names = tmp_path / f"names.{suffix.upper()}"
    assert in_terminal(TEXT, "--output", names) == ""
    assert names.read_text().startswith(begin)
    packed = tmp_path / f"names.{suffix}.gz"
    assert in_terminal(TEXT, "--output", packed) == ""
    assert gzip.decompress(packed.read_bytes()).decode() == names.read_text()


def test_an_unknown_suffix_needs_a_format(rnner, trained, in_terminal, one_line, tmp_path):
    for name, problem in (
        ("names.xlsx", "unknown suffix .xlsx; use .txt, .html, "),
        ("n", "no suffix; use .txt"),
    ):
        outcome = rnner("predict", TEXT, "--model", trained, "--output", tmp_path / name)
        one_line(outcome, 2, problem, ", .csv, .tsv, .conll (or one of them with .gz), or give --format")
        assert not (tmp_path / name).exists()
    assert in_terminal(TEXT, "--output", tmp_path / "names.xlsx", "--format", "csv") == ""
    assert (tmp_path / "names.xlsx").read_text().startswith("document,label,")


def test_each_line_gives_a_line(predict):
    stdin = b"London slept .\n\nAda Lovelace wrote to Berlin .\n"
    output = predict("--input", "lines", "--format", "text", stdin=stdin)
    assert output.splitlines() == ["[LOC London] slept .", "", "[PER Ada Lovelace] wrote to [LOC Berlin] ."]


def test_texts_of_several_lines_are_separated(predict):
    output = predict("It\nrained .", "It rained .", "It rained .", "--format", "text")
    assert output == "It\nrained .\n\nIt rained .\nIt rained .\n"


def test_scores_are_shown_on_request(predict):
    output = predict("London slept .", "--scores")
    assert re.fullmatch(r"\[LOC [01]\.\d{3} London\] slept \.\n", output)
    assert '<body class="scores">' in predict("London slept .", "--scores", "--format", "html")


@pytest.mark.parametrize(
    ("form", "why"), [("json", "html; json always has them"), ("conll", "for --format text and html\n")]
)
def test_formats_without_the_scores_option(rnner, trained, one_line, form, why):
    outcome = rnner("predict", "--model", trained, "London", "--scores", "--format", form)
    one_line(outcome, 2, "--scores is for --format text and html", why)


def test_the_title_of_a_page_names_the_file(predict, tmp_path):
    (tmp_path / "<letter>.txt").write_text(TEXT)
    predict("--file", tmp_path / "<letter>.txt", "--format", "html", "--output", tmp_path / "letter.html")
    page = (tmp_path / "letter.html").read_text()
    assert "<title>Names in &lt;letter&gt;.txt</title>" in page and page.endswith("</html>\n")
    assert "<title>Names</title>" in predict(TEXT, "--format", "html")


# --- --output ------------------------------------------------------------------------------------------


def test_output_gets_the_same_as_stdout(predict, tmp_path):
    path = tmp_path / "found.json"
    path.write_text("of yesterday")
    assert predict(TEXT, "--format", "json", "--output", path) == ""
    assert path.read_text() == predict(TEXT, "--format", "json")
    assert [entry.name for entry in tmp_path.iterdir()] == ["found.json"]


def test_output_is_unchanged_if_an_error_comes_first(rnner, trained, tmp_path, one_line):
    path = tmp_path / "found.json"
    path.write_text("of yesterday")
    bad = b"slept deeply\n\nAda\nLovelace\n"
    outcome = rnner(
        "predict", "--model", trained, "--input", "conll", "--format", "conll", "-o", path, stdin=bad
    )
    one_line(outcome, 1, "<stdin>:1: 2 columns")
    assert path.read_text() == "of yesterday"
    assert [entry.name for entry in tmp_path.iterdir()] == ["found.json"]


def test_output_follows_a_link(predict, tmp_path):
    (tmp_path / "real.json").write_text("")
    (tmp_path / "link.json").symlink_to("real.json")
    predict(TEXT, "--format", "json", "--output", tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())


def test_output_can_be_a_device(predict):
    assert predict(TEXT, "--output", "/dev/null") == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_old_output_and_no_partial_file(trained, tmp_path, number):
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    command = "from rnner.cli.main import main; main()"
    arguments = ["predict", "--model", str(trained), "-f", "-", "--input", "lines", "-o", str(out)]
    with subprocess.Popen(
        [sys.executable, "-c", command, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while not list(tmp_path.glob("*.partial/out.jsonl")):
            assert process.poll() is None
        process.send_signal(number)
        assert process.stderr.read() == b"error: interrupted\n"
    assert process.returncode == 130
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]
