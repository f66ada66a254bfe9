"""JSON records as input of `rnner predict`: what is read, what is kept, and under which keys."""

import json

import pytest

LINES = ["London slept .", "Ada Lovelace wrote to Charles Babbage ."]
RECORDS = [
    {"id": 7, "text": LINES[0]},
    {"tokens": LINES[1].split(), "id": "x", "more": {"a": [1.5, None]}},
    {"text": ""},
    {"tokens": []},
]


def jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.fixture
def predicted(rnner, trained):
    """`predicted(records)`: the records in the output, without notes; with `noted=True`, also the notes."""

    def call(records, *, noted=False):
        command = ("predict", "--model", trained, "--input", "jsonl", "--format", "jsonl")
        outcome = rnner(*command, stdin=records if isinstance(records, bytes) else jsonl(records))
        assert outcome.code == 0 and (noted or not outcome.err), outcome.err
        items = [json.loads(line) for line in outcome.out.splitlines()]
        return (items, outcome.err) if noted else items

    return call


def found(item):
    return [(entity["label"], entity["text"]) for entity in item["entities"]]


def test_records_keep_their_other_keys(predicted):
    items = predicted(RECORDS)
    assert [item["text"] for item in items] == [*LINES, "", ""]
    names = [("PER", "Ada Lovelace"), ("PER", "Charles Babbage")]
    assert [found(item) for item in items] == [[("LOC", "London")], names, [], []]
    kept = [{k: v for k, v in item.items() if k not in ("text", "entities")} for item in items]
    assert kept == [{k: v for k, v in record.items() if k != "text"} for record in RECORDS]


def test_blank_lines_between_records_are_skipped(predicted):
    assert len(predicted(b"\n" + jsonl(RECORDS[:1]) + b"  \r\n" + jsonl(RECORDS[1:2]))) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON: "),
        ("7", 'expected {"text"'),
        ("[]", "found []; for a list of records, use --input json"),
        ('{"txt": "a", "id": 3}', 'found the keys ["txt", "id"]'),
        ('{"text": ["a"]}', '"text" must be a string, not ["a"]'),
        ('{"tokens": "a"}', '"tokens" must be a list of strings, not "a"'),
        ('{"tokens": ["a", 1]}', 'a list of strings, not ["a", 1]'),
        ('{"tokens": ["a", ""]}', '"tokens" contains an empty string'),
        ('{"text": "\\ud83d"}', "a lone surrogate, \\ud83d"),
        ('{"text": "a", "x": NaN}', "NaN is not allowed"),
        ('{"text": "a", "x": 1e999}', "1e999 is too large"),
        ('{"text": "a"} {}', "two values on one line"),
        ("[" * 100_000, "this JSON cannot be read: "),
        ('{"text": ' + "[" * 101 + "]" * 101 + "}", "more than 100 levels"),
        ('{"text": ' + json.dumps(["long"] * 1000) + "}", '"lon...; use --on-error skip'),
    ],
)
def test_invalid_records_are_reported_with_their_line(rnner, trained, one_line, tmp_path, line, message):
    (tmp_path / "r.jsonl").write_text('{"text": "fine"}\n\n' + line + "\n")
    command = ("predict", "--model", trained, "--file", tmp_path / "r.jsonl", "--input", "jsonl")
    outcome = rnner(*command, "-o", "/dev/null")
    one_line(outcome, 1, "r.jsonl:3: ", message)
    assert len(outcome.err) < 500


@pytest.mark.parametrize(
    "record",
    [
        {"text": LINES[0], "tokens": [{"text": "London", "start": 0, "end": 6, "id": 0}]},
        {"text": LINES[0], "tokens": ["Lon", "don"]},
        {"words": LINES[0].split()},
        {"content": LINES[0]},
        {"data": LINES[0]},
        {"data": {"text": LINES[0], "url": "x"}},
        {"data": {"letter": LINES[0], "page": 3}},
        [LINES[0], {"entities": [[0, 6, "LOC"]]}],
    ],
)
def test_records_of_annotation_tools(predicted, record):
    ((item,), _) = predicted([record], noted=True)
    assert (item["text"], found(item)) == (LINES[0], [("LOC", "London")])


# --- annotations of the input ------------------------------------------------------------------------------

GOLD = [
    ("spans", [{"start": 0, "end": 3, "label": "MISC"}]),
    ("entities", [{"start_offset": 0, "end_offset": 3, "label": "MISC"}]),
    ("entities", {"PER": ["Ada"]}),
    ("label", [[0, 3, "MISC"]]),
    ("labels", [[0, 3, "MISC"]]),
    ("annotations", [{"result": []}]),
    ("completions", [{"result": []}]),
    ("answer", "accept"),
    ("answer", "reject"),
    ("answer", "skip"),
    ("decision", {"number": 1}),
    ("spans", []),
]


@pytest.mark.parametrize(("key", "gold"), GOLD)
def test_annotations_of_the_input_get_another_key(predicted, key, gold):
    ((item,), noted) = predicted([{"text": LINES[0], key: gold}], noted=True)
    assert found(item) == [("LOC", "London")]
    assert item[f"input_{key}"] == gold
    assert item.keys() == {"text", "entities", f"input_{key}"}
    assert f"annotations of the input are kept under other keys: {key} as input_{key}" in noted


@pytest.mark.parametrize("key", ["tags", "ner_tags", "labels", "ner"])
@pytest.mark.parametrize("gold", [["B-MISC", "O", "O"], [1, 0, 0]])
def test_tags_of_words_get_another_key(predicted, key, gold):
    ((item,), _) = predicted([{"tokens": LINES[0].split(), key: gold}], noted=True)
    assert item.keys() == {"text", "entities", "tokens", f"input_{key}"}
    assert item[f"input_{key}"] == gold


def test_keys_that_are_not_annotations_are_kept(predicted):
    record = {
        "label": "travel",
        "tags": ["travel", "1843"],
        "answer": "in London",
        "score": 0.5,
        "meta": {"spans": []},
    }
    (item,) = predicted([{"text": LINES[0], **record}])
    assert {key: item[key] for key in record} == record


def test_the_other_keys_are_noted_once(predicted):
    _, noted = predicted([{"text": "a", "spans": []}, {"text": "b", "spans": []}], noted=True)
    assert noted.count("\n") == 1


def test_predicting_again_keeps_the_annotation_of_the_input(predicted):
    (once,), _ = predicted([{"text": LINES[0], "entities": [{"start": 0, "end": 3}]}], noted=True)
    assert predicted([once]) == [once]


def test_rnners_json_is_read_as_its_jsonl(rnner, trained, tmp_path):
    outputs = []
    for form in ("json", "jsonl"):
        rnner("predict", *LINES, "--model", trained, "-o", tmp_path / f"p.{form}")
        again = rnner("predict", "--model", trained, "--file", tmp_path / f"p.{form}", "--format", "jsonl")
        outputs.append(again.out)
    assert outputs[0] == outputs[1]
    assert [json.loads(line)["text"] for line in outputs[0].splitlines()] == LINES
