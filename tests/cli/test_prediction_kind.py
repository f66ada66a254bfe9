"""How `rnner predict` detects the kind of input in a file or stdin."""

import gzip
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.cli.prediction_kind import guess_kind
from rnner.cli.prediction_stream import InputStream

RECORDS = '{"id": 1, "text": "Ada Lovelace slept ."}\n{"id": 2, "text": "London slept ."}\n'
LIST = "[\n" + RECORDS.replace("}\n{", "},\n{") + "]\n"
TAGGED = "Ada\tB-PER\nLovelace\tI-PER\nslept\tO\n\nLondon\tB-LOC\n"
CONLLU = (
    "# newdoc\n1\tAda\tAda\tPROPN\t_\t_\t0\troot\t_\t_\n2-3\tdidn't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "2\tdid\tdo\tAUX\t_\t_\t1\taux\t_\t_\n3\tn't\tnot\tPART\t_\t_\t1\tadvmod\t_\t_\n\n"
)
TABLE = 'id,text\n7,"Ada Lovelace slept, in London ."\n8,Nobody wrote .\n'
PROSE = "Ada Lovelace slept .\n\nLondon is far away, and it rained all night .\n"


class Slow(io.RawIOBase):
    """A pipe that has one line at a time."""

    name = "<stdin>"

    def __init__(self, text):
        self.lines = text.encode().splitlines(keepends=True)

    def readable(self):
        return True

    def readinto(self, buffer):
        line = self.lines.pop(0) if self.lines else b""
        buffer[: len(line)] = line
        return len(line)


def guess(data, name="<stdin>"):
    raw = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    raw.name = name
    return guess_kind(InputStream(io.BufferedReader(raw)))


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.jsonl", RECORDS, "jsonl"),
        ("a.ndjson", RECORDS, "jsonl"),
        ("a.json", LIST, "json"),
        ("a.json", json.dumps({"text": "Ada"}, indent=2), "json"),
        ("a.conll", TAGGED, "conll"),
        ("a.iob2", "Ada\nslept\n", "conll"),
        ("a.TSV", TAGGED, "conll"),
        ("a.bio", "", "conll"),
        ("a.csv", TABLE, "csv"),
        ("a.tsv", TABLE.replace(",", "\t"), "csv"),
        ("a.txt", PROSE, "text"),
        ("a", PROSE, "text"),
        ("a.jsonl.gz", RECORDS, "jsonl"),
    ],
)
def test_the_suffix_says_the_kind(name, text, kind):
    found = guess(gzip.compress(text.encode()) if name.endswith("gz") else text, name)
    assert found.kind == kind
    assert "despite" not in found.note


@pytest.mark.parametrize(
    ("name", "text", "kind", "note"),
    [
        ("a.txt", RECORDS, "jsonl", "a.txt: read as JSON records, one per line (--input jsonl)"),
        ("<stdin>", TABLE, "csv", "<stdin>: read as a table with a text column (--input csv)"),
        ("a.txt", TAGGED, "conll", "a.txt: read as a column file, of which only the words are read"),
        ("a.txt", TAGGED.replace("-", "_"), "conll", "a.txt: read as a column file"),
        ("a.txt", re.sub("[BI]-(...)", r"\\1-B", TAGGED), "conll", "a.txt: read as a column file"),
        ("a.txt", re.sub("[BI]-", "", TAGGED) + "slept\tO\n", "conll", "a.txt: read as a column file"),
        ("a.txt", TAGGED.replace("\t", " ").replace("I-PER", "X"), "conll", "a.txt: read as a column file"),
        ("a.json", RECORDS, "jsonl", "one per line (--input jsonl)"),
        ("a.jsonl", LIST, "json", "read as JSON records (--input json)"),
        ("a.jsonl", PROSE, "text", "a.jsonl: not JSON records, despite its suffix; read as text"),
        ("a.tsv", RECORDS, "jsonl", "not a column file, despite its suffix; read as JSON records"),
        ("a.conll", PROSE, "text", "not a column file, despite its suffix; read as text (--input text)"),
        ("a.tsv", "7\tAda Lovelace slept .\n8\tIt rained all night .\n", "text", "not a column file"),
        ("a.csv", "name,born\nAda,1815\n", "text", "not a table with a text column, despite its suffix"),
        ("a.conll", CONLLU, "annotated", ""),
    ],
)
def test_the_content_wins_over_the_suffix(name, text, kind, note):
    found = guess(text, name)
    assert found.kind == kind
    assert note in found.note


@pytest.mark.parametrize(
    "text",
    [
        "Apollo 1\nGemini 0\nApollo 1\n",
        "Vitamin O\n",
        "Text\nThe first line is a title.\n",
        "Title, text\nThe first line, again, is a title.\n",
        "Title, text\nThe first, again a title.\n",
        "write e-mail\nread e-mail\nsend i-messages\n",
        "Ada\twon\nBo\tlost\nCy\twon\nDi\t0\n",
        "[1] Ada Lovelace: Notes.\n[2] Charles Babbage: Passages.\n",
        "{name} was born in {place}.\n",
        "{\\rtf1 Ada}",
        "Attendees:\nMaria Lopez\nTom Brandt\nAnna Schmidt\n",
        "",
        "\n\n",
        "\ufeffAda slept.\n",
    ],
)
def test_what_is_text_stays_text(text):
    assert guess(text, "a.txt") == ("text", "", "")


def test_one_bad_row_or_record_does_not_change_the_kind():
    assert guess("oops\n" + RECORDS, "a.jsonl").kind == "jsonl"
    assert guess("slept deeply today\n" + TAGGED, "a.txt").kind == "conll"


@pytest.mark.parametrize(
    ("text", "kind"), [(RECORDS, "jsonl"), (LIST, "json"), (TAGGED, "conll"), (PROSE, "text")]
)
def test_the_kind_does_not_depend_on_how_a_pipe_is_filled(text, kind):
    assert guess(text).kind == guess_kind(InputStream(io.BufferedReader(Slow(text)))).kind == kind


def test_the_first_record_of_a_pipe_is_enough():
    pipe = Slow(RECORDS)
    assert guess_kind(InputStream(io.BufferedReader(pipe))).kind == "jsonl"
    assert len(pipe.lines) == 1


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=60), st.sampled_from(["a", "a.json", "a.jsonl", "a.tsv", "a.csv", "a.conll"]))
def test_any_text_has_a_kind_and_detection_consumes_nothing(text, name):
    raw = io.BytesIO(text.encode(errors="surrogatepass"))
    raw.name = name
    stream = InputStream(io.BufferedReader(raw))
    guess_kind(stream)
    assert stream.read1() == raw.getvalue()


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def texts_of(rnner, trained, tmp_path, monkeypatch):
    """`texts_of(name, text)`: the texts in the output for a file of this name, and the notes."""
    monkeypatch.chdir(tmp_path)

    def call(name, text, *options):
        Path(name).write_text(text)
        outcome = rnner("predict", "--model", trained, "--file", name, "--format", "json", *options)
        assert outcome.code == 0, outcome.err
        return [item["text"] for item in json.loads(outcome.out)], outcome.err

    return call


@pytest.mark.parametrize(
    ("name", "text", "texts"),
    [
        ("a.jsonl", RECORDS, ["Ada Lovelace slept .", "London slept ."]),
        ("a.json", LIST, ["Ada Lovelace slept .", "London slept ."]),
        ("a.tsv", TAGGED, ["Ada Lovelace slept", "London"]),
        ("a.csv", TABLE, ["Ada Lovelace slept, in London .", "Nobody wrote ."]),
        ("a.conllu", CONLLU, ["Ada did n't"]),
        ("a.json", '[{"data": {"text": "Ada slept ."}, "annotations": []}]', ["Ada slept ."]),
        ("a.txt", "Ada slept .", ["Ada slept ."]),
    ],
)
def test_files_are_read_as_what_they_are(texts_of, name, text, texts):
    found, noted = texts_of(name, text)
    assert found == texts
    if name != "a.txt":
        assert noted.startswith(f"{name}: read as ") and "--input" in noted.splitlines()[0]


def test_input_overrides_the_detected_kind(texts_of):
    assert texts_of("a.jsonl", RECORDS, "--input", "text") == ([RECORDS], "")
    assert texts_of("a.txt", TAGGED, "--columns", "0")[0] == ["Ada Lovelace slept", "London"]
    assert texts_of("a.conllu", CONLLU, "--input", "conllu")[0] == ["Ada did n't"]


def test_an_empty_word_in_annotated_text_is_an_error(rnner, trained, tmp_path):
    (tmp_path / "a.conllu").write_text(CONLLU.replace("\tAda\t", "\t\t", 1), encoding="utf-8")
    outcome = rnner("predict", "--model", trained, "-f", tmp_path / "a.conllu")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("a.conllu:2: a word is empty\n")


def test_annotated_text_needs_a_file(rnner, trained, one_line, tmp_path):
    outcome = rnner("predict", "--model", trained, stdin=CONLLU.encode())
    one_line(outcome, 2, "<stdin>: this is annotated text (conllu); give it with --file")
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONLLU.encode()))
    outcome = rnner("predict", "--model", trained, "--file", tmp_path / "a.gz")
    one_line(outcome, 2, "a.gz: this is annotated text (conllu); unpack it first")
    one_line(rnner("predict", "--model", trained, "--input", "conllu", stdin=b""), 2, "give it with --file")


def test_columns_are_for_files_with_one_word_per_line(rnner, trained, one_line):
    for options in (["Ada"], ["--input", "jsonl"]):
        outcome = rnner("predict", "--model", trained, "--columns", 1, *options, stdin=b"")
        one_line(outcome, 2, "--columns is for files with one word per line, such as --input conll")
    outcome = rnner("predict", "--model", trained, "--columns", "tag=1", "--input", "conll", stdin=b"")
    one_line(outcome, 2, "--columns tag=1: expected the column of the words, such as 0 or token=Word")


WORDS_AND_TAGS = "sentence_id,Word,Tag,Old\n1,Ada,B-PER,Bo\n1,slept,O,slept\n"


def test_a_format_of_annotated_text_is_chosen_by_its_name(texts_of):
    tokens = '{"tokens": ["Ada", "slept"], "tags": ["O", "O"]}\n'
    found, noted = texts_of("a.jsonl", tokens, "--input", "tokens")
    assert found == ["Ada slept"]
    assert noted.endswith("a.jsonl: read as annotated text (--input tokens); its annotation is ignored\n")
    assert texts_of("a.csv", WORDS_AND_TAGS, "--input", "csv")[0] == ["Ada slept"]
    assert texts_of("a.csv", TABLE, "--input", "csv")[0] == texts_of("a.csv", TABLE)[0]


def test_an_unknown_kind_of_input_is_refused(rnner, trained, one_line):
    outcome = rnner("predict", "--model", trained, "--input", "conlu", stdin=b"")
    one_line(outcome, 2, "--input conlu: unknown kind (did you mean conllu?); expected one of: text, lines,")


def test_lists_of_tokens_and_wrapped_records_are_annotated_text(tmp_path):
    tokens = [[{"text": "Ada", "ner": "S-PER"}]]
    for record in (tokens, {"data": [{"text": "Ada", "entities": []}]}):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(record))
        with path.open("rb") as file:
            assert guess_kind(InputStream(file)).kind == "annotated"
