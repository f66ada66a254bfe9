"""`rnner predict --on-error`: records that cannot be read."""

import gzip
import json
import os

import pytest

from rnner.cli import prediction_chunks

GOOD = ['{"text": "London slept .", "id": 1}', '{"text": "Ada Lovelace wrote .", "id": 2}']
BAD = [
    '{"text": null, "id": 9}',
    '{"text": 7}',
    "{",
    "[]",
    '{"text": "\\ud83d"}',
    '{"tokens": ["Ada", ""]}',
    '{"id": 9}',
    '{"text": "Ada", "x": NaN}',
    '{"text": "Ada", "x": 1e999}',
    '{"text": "Ada"} {"text": "Ada"}',
    '{"text": "Ada", "x": ' + "[" * 101 + "]" * 101 + "}",
    "caf\udce9",
    "\0",
]


@pytest.fixture
def outcome_of(rnner, trained, tmp_path, monkeypatch):
    """`outcome_of(name, lines, *options)`: the outcome of predicting a file, as JSONL."""
    monkeypatch.chdir(tmp_path)

    def call(name, lines, *options, model=trained, form="jsonl"):
        (tmp_path / name).write_bytes("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
        return rnner("predict", "--model", model, "--file", name, "--format", form, *options)

    return call


def ids(text):
    """The ids of records, and the errors of those that have one."""
    return [record.get("error") or record["id"] for record in map(json.loads, text.splitlines())]


def last_line(outcome):
    return outcome.err.splitlines()[-1]


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_record_loses_nothing_else(outcome_of, bad):
    lines = [GOOD[0], bad, GOOD[1]]
    stopped = outcome_of("r.jsonl", lines)
    assert (stopped.code, ids(stopped.out)) == (1, [1])
    assert last_line(stopped).startswith("error: r.jsonl:2: " if bad[0] not in "c\0" else "error: r.jsonl:2:")
    assert last_line(stopped).endswith("skip to continue after it; records written before it: 1")

    skipped = outcome_of("r.jsonl", lines, "--on-error", "skip")
    assert (skipped.code, ids(skipped.out)) == (1, [1, 2])
    assert "error: 1 of 3 records could not be read (left out); first error: r.jsonl:2:" in last_line(skipped)

    marked = outcome_of("r.jsonl", lines, "--on-error", "mark")
    assert marked.code == 1 and "(marked in the output)" in last_line(marked)
    first, error, second = ids(marked.out)
    assert (first, second) == (1, 2) and error.startswith("r.jsonl:2:")


def test_a_marked_record_keeps_its_keys_but_has_no_entities(outcome_of):
    outcome = outcome_of("r.jsonl", [BAD[0]], "--on-error", "mark")
    assert json.loads(outcome.out) == {
        "text": None,
        "id": 9,
        "error": 'r.jsonl:1: "text" must be a string, not null',
    }


def test_without_a_bad_record_the_rule_does_not_matter(outcome_of):
    outcomes = [outcome_of("r.jsonl", GOOD, "--on-error", rule) for rule in ("stop", "skip", "mark")]
    assert {outcome.code for outcome in outcomes} == {0}
    assert len({outcome.out for outcome in outcomes}) == 1


@pytest.mark.parametrize("form", ["text", "table", "html", "json", "jsonl", "conll", "binary"])
def test_every_format_is_complete_up_to_the_error(outcome_of, form):
    whole = outcome_of("r.jsonl", GOOD, form=form)
    stopped = outcome_of("r.jsonl", [*GOOD, "oops", GOOD[0]], form=form)
    assert (whole.code, stopped.code) == (0, 1)
    assert stopped.out == whole.out


def test_the_output_file_holds_what_came_before(outcome_of, tmp_path):
    (tmp_path / "out.json").write_text("of yesterday")
    outcome = outcome_of("r.jsonl", [GOOD[0], "oops"], "--output", "out.json", form="json")
    assert (outcome.code, outcome.out) == (1, "")
    assert [item["id"] for item in json.loads((tmp_path / "out.json").read_text())] == [1]
    assert {path.name for path in tmp_path.iterdir()} == {"r.jsonl", "out.json"}


def test_the_output_file_is_unchanged_if_nothing_came_before(outcome_of, tmp_path):
    (tmp_path / "out.json").write_text("of yesterday")
    assert outcome_of("r.jsonl", ["{oops", GOOD[0]], "--output", "out.json").code == 1
    assert (tmp_path / "out.json").read_text() == "of yesterday"


def test_a_bad_record_after_many_good_ones_loses_none_of_them(outcome_of):
    outcome = outcome_of("r.jsonl", ['{"text": "a", "id": 5}'] * 3_000 + [BAD[0]])
    assert len(ids(outcome.out)) == 3_000
    assert last_line(outcome).startswith("error: r.jsonl:3001: ")


def test_workers_do_the_same_in_the_same_order(outcome_of, exported, monkeypatch):
    monkeypatch.setattr(prediction_chunks, "CHUNK", 30)
    lines = ["[", *(f"{line}," for line in [*GOOD, *GOOD, *BAD[:2], *GOOD, BAD[6]]), "{"]
    alone, together = (
        outcome_of("r.json", lines, "--on-error", "mark", "--workers", workers, model=exported)
        for workers in (1, 2)
    )
    assert len(ids(alone.out)) == 9 and "records written before it: 6" in alone.err
    assert (together.code, ids(together.out), together.err) == (1, ids(alone.out), alone.err)


# --- other kinds of input ----------------------------------------------------------------------------------


def test_bad_lines(outcome_of):
    lines = ["London slept .", "caf\udce9 in Paris", "", "N\0L", "It rained ."]
    options = ("--input", "lines", "--on-error")
    marked = [json.loads(line) for line in outcome_of("t.txt", lines, *options, "mark").out.splitlines()]
    assert [item.get("text") for item in marked] == [lines[0], None, "", None, lines[4]]
    assert marked[1]["error"].startswith("t.txt:2:4: not UTF-8 (byte 0xe9)")
    assert marked[3] == {"error": "t.txt:4:2: a NUL character; is this a text file?"}
    skipped = outcome_of("t.txt", lines, *options, "skip", form="text")
    assert skipped.out.splitlines() == ["[LOC London] slept .", "", "It rained ."]
    assert outcome_of("t.txt", lines, *options, "stop", form="text").out == "[LOC London] slept .\n"


def test_bad_rows_of_a_column_file(outcome_of):
    lines = [
        "# newdoc",
        "Ada\tO",
        "slept\tO",
        "",
        "# newdoc",
        "in\tO\tO",
        "caf\udce9\tO",
        "",
        "Berlin\tO",
        "",
    ]
    for rule, left in (("stop", lines[:3]), ("skip", [*lines[:5], "", *lines[7:9]])):
        outcome = outcome_of("c.conll", lines, "--on-error", rule, form="conll")
        rows = [line.rpartition("\t")[0] or line for line in outcome.out.splitlines()]
        assert (outcome.code, [row for row in rows if row]) == (1, [row for row in left if row])
        assert "c.conll:6: 3 columns, where most rows have 2" in last_line(outcome)
    marked = outcome_of("c.conll", lines, "--on-error", "mark", form="jsonl").out.splitlines()
    assert [list(json.loads(line)) for line in marked] == [
        ["text", "entities"],
        ["error"],
        ["text", "entities"],
    ]


def test_bad_comments_of_a_column_file(outcome_of):
    lines = ["# caf\udce9", "Ada\tO", "slept\tO", "", "Berlin\tO", "# \udce9"]
    outcome = outcome_of("c.conll", lines, "--on-error", "skip", form="conll")
    assert [line.split("\t")[0] for line in outcome.out.splitlines()] == ["Ada", "slept", "", "Berlin"]
    assert "2 of 4 records could not be read (left out); first error: c.conll:1:6: not UTF-8" in outcome.err


def test_bad_rows_of_a_table(outcome_of):
    lines = ["id,text", "1,It rained .", "2", '3,"a"b', "4,caf\udce9 au lait", '5,"London', 'slept ."']
    marked = [json.loads(line) for line in outcome_of("t.csv", lines, "--on-error", "mark").out.splitlines()]
    assert [item.get("error") or item["text"] for item in marked] == [
        "It rained .",
        "t.csv:3: 1 cell, but the header has 2",
        "t.csv:4: this row is not valid CSV: ',' expected after '\"'",
        marked[3]["error"],
        "London\nslept .",
    ]
    assert marked[3]["error"].startswith("t.csv:5:6: not UTF-8")
    stopped = outcome_of("t.csv", lines)
    assert len(stopped.out.splitlines()) == 1 and "t.csv:3: 1 cell" in last_line(stopped)


def test_a_quote_that_is_not_closed_is_reported(outcome_of):
    outcome = outcome_of("t.csv", ["id,text", "1,It rained .", '2,"It', "3,snowed ."], "--on-error", "skip")
    assert "1 of 2 records could not be read (left out); first error: t.csv:3: this" in last_line(outcome)


def test_bad_records_of_a_list(outcome_of):
    lines = ["[", GOOD[0] + ",", '{"text": null},', '{"text": "caf\udce9"},', GOOD[1], "]"]
    skipped = outcome_of("r.json", lines, "--on-error", "skip")
    assert ids(skipped.out) == [1, 2]
    assert "2 of 4 records could not be read (left out); first error: r.json:3: " in last_line(skipped)
    marked = ids(outcome_of("r.json", lines, "--on-error", "mark").out)
    assert marked[2].startswith("r.json:4:14: not UTF-8")


@pytest.mark.parametrize("end", ["{oops}\n]", "", "] []"])
def test_a_list_with_invalid_json_stops_there_whatever_the_rule(outcome_of, end):
    for rule in ("stop", "skip"):
        outcome = outcome_of("r.json", ["[", GOOD[0] + ",", GOOD[1], end], "--on-error", rule)
        assert (outcome.code, ids(outcome.out)) == (1, [1, 2])
        assert "error: r.json:" in last_line(outcome) and ": not valid JSON: " in last_line(outcome)
        assert last_line(outcome).endswith("records written before it: 2")


def test_damaged_gzip_stops_after_what_could_be_read(rnner, trained, tmp_path):
    lines = "".join(f'{{"text": "{os.urandom(50).hex()}", "id": {i}}}\n' for i in range(900))
    (tmp_path / "r.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-9])
    outcome = rnner("predict", "--model", trained, "--file", tmp_path / "r.jsonl.gz", "--format", "jsonl")
    found = ids(outcome.out)
    assert outcome.code == 1 and found == list(range(len(found))) and len(found) > 700
    assert "corrupted or truncated gzip file" in last_line(outcome)
    assert last_line(outcome).endswith(f"records written before it: {len(found)}")


def test_marks_need_json(rnner, trained, one_line):
    outcome = rnner("predict", "--model", trained, "--on-error", "mark", "--format", "html", stdin=b"")
    one_line(outcome, 2, "--on-error mark needs --format json or jsonl; with html, use skip")
