"""`rnner predict` as CSV and TSV: one row per entity, or one more column in a table."""

import csv
import io
import json

import pytest

from rnner.cli.prediction_rows import EntityRows, format_rows
from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents

TABLE = """\
id,Text,mood
7,"Ada Lovelace wrote, to ""Bell Labs"" .",=1+2
8,It rained .,-
9,"Nobody wrote,
but London slept .",@bo
"""


def rows_of(output, delimiter=","):
    return list(csv.reader(io.StringIO(output, newline=""), delimiter=delimiter))


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_a_row_per_entity_with_the_number_of_its_text(predict, form, delimiter):
    texts = ["Ada Lovelace wrote to London .", "It rained .", "Berlin slept ."]
    header, *rows = rows_of(predict(*texts, "--format", form), delimiter)
    assert header == ["document", "label", "start", "end", "entity", "score"]
    assert [row[:5] for row in rows] == [
        ["1", "PER", "0", "12", "Ada Lovelace"],
        ["1", "LOC", "22", "28", "London"],
        ["3", "LOC", "0", "6", "Berlin"],
    ]
    assert all(0 < float(row[5]) <= 1 for row in rows)


def test_without_entities_there_is_a_header(predict):
    assert predict("", "--format", "csv") == "document,label,start,end,entity,score\n"


def test_a_long_text_is_one_document_with_offsets_of_the_whole_text(rnner, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("rnner.cli.prediction_input.LONGEST_TEXT", 40)
    text = "It rained .\n" * 5 + "\nLondon slept .\n"
    (tmp_path / "long.txt").write_text(text)
    outcome = rnner("predict", "--model", trained, "--file", tmp_path / "long.txt", "--format", "csv")
    assert "split at blank lines" in outcome.err
    *_, last = rows_of(outcome.out)
    assert last[:2] + last[4:5] == ["1", "LOC", "London"]
    assert text[int(last[2]) : int(last[3])] == "London"


def test_values_with_special_characters_are_quoted_and_unchanged():
    rows = [("PER", 0, 5, value, 0.5) for value in ("=1+2", "@bo", "a,b", 'say "x"', "a\rb", "a\nb", " a")]
    lines = "".join(format_rows([EntityRows(rows, continues=False)], ","))
    assert [row[4] for row in rows_of(lines)[1:]] == [row[3] for row in rows]


@pytest.fixture
def table(rnner, trained, tmp_path):
    """`table(text, *options)`: the rows that become of a table, with its file."""

    def call(text, *options, name="names.csv"):
        (tmp_path / "given.csv").write_text(text, newline="")
        out = tmp_path / name
        outcome = rnner(
            "predict", "--model", trained, "--file", tmp_path / "given.csv", *options, "--output", out
        )
        return rows_of(out.read_text(), "\t" if name.endswith("tsv") else ","), out, outcome

    return call


@pytest.mark.parametrize("name", ["names.csv", "names.tsv"])
def test_a_table_keeps_its_columns_and_gets_another(table, name):
    (header, *rows), _, outcome = table(TABLE, name=name)
    assert outcome.code == 0
    assert header == ["id", "Text", "mood", "entities"]
    assert [row[:3] for row in rows] == rows_of(TABLE)[1:]
    found = [[(it["label"], it["text"]) for it in json.loads(row[3])] for row in rows]
    assert found == [[("PER", "Ada Lovelace"), ("ORG", "Bell Labs")], [], [("LOC", "London")]]


def test_several_workers_write_the_same_table(table):
    many = "id,text\n" + "".join(f"{i},Ada Lovelace wrote to London .\n" for i in range(50))
    one, _, _ = table(many)
    assert len(one) == 51
    rows, _, _ = table(many, "--workers", 2)
    assert [row[:2] for row in rows] == [row[:2] for row in one]


def test_the_table_is_read_again_as_annotated_text(table, rnner, tmp_path):
    _, out, _ = table(TABLE)
    assert detect_format(out) == "csv-entities"
    spans = [[tuple(span) for span in it.spans] for it in read_documents(SourceFile(out), "csv-entities")]
    assert spans == [[(0, 12, "PER"), (24, 33, "ORG")], [], [(18, 24, "LOC")]]


def test_an_old_column_of_entities_is_kept_under_another_name(table):
    given = 'id,text,entities\n7,London slept .,"[{""label"": ""OLD"", ""start"": 0, ""end"": 3}]"\n'
    rows, out, _ = table(given)
    assert rows[0] == ["id", "text", "input_entities", "entities"]
    assert "OLD" in rows[1][2] and "LOC" in rows[1][3]
    again, _, _ = table(out.read_text())
    assert [row[:3] for row in again] == [row[:3] for row in rows]


def test_unreadable_rows_are_left_out_on_request(table):
    rows, _, outcome = table("id,text\n1,London slept .\n2\n3,It rained .\n", "--on-error", "skip")
    assert [row[0] for row in rows] == ["id", "1", "3"]
    assert outcome.code == 1
    assert "1 of 3 records could not be read (left out)" in outcome.err
