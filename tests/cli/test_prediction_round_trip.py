"""Predict, correct, train: what `rnner predict` writes is read as predicted, never as older annotation."""

import json

import pytest

from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents

TEXT = "Ada Lovelace wrote to London ."
PREDICTED = [(0, 12, "PER"), (22, 28, "LOC")]
GOLD = [
    {},
    {"spans": [{"start": 0, "end": 3, "label": "GOLD"}]},
    {"spans": [], "answer": "reject", "tokens": [{"text": "Ada", "start": 0, "end": 3, "id": 0}]},
    {"label": [[0, 3, "GOLD"]]},
    {"labels": [[0, 3, "GOLD"]]},
    {"entities": [{"start_offset": 0, "end_offset": 3, "label": "GOLD"}]},
    {"annotations": [{"start_offset": 0, "end_offset": 3, "label": "GOLD"}]},
    {"label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["GOLD"]}]},
    {"tags": ["travel"], "label": "letter"},
]


def spans_of(path):
    (document,) = read_documents(SourceFile(path), detect_format(path))
    return document.text, [tuple(span) for span in document.spans]


@pytest.fixture
def predicted(rnner, trained, tmp_path):
    """`predicted(record, form)`: the file with the predictions for a record."""

    def call(record, form="jsonl"):
        (tmp_path / "in.jsonl").write_text(json.dumps(record) + "\n")
        out = tmp_path / f"out.{form}"
        outcome = rnner("predict", "--model", trained, "--file", tmp_path / "in.jsonl", "--output", out)
        assert outcome.code == 0, outcome.err
        return out

    return call


@pytest.mark.parametrize("gold", GOLD)
def test_the_predicted_entities_are_read_never_those_of_the_input(predicted, gold):
    for form in ("jsonl", "json"):
        assert spans_of(predicted({"text": TEXT, **gold}, form)) == (TEXT, PREDICTED)


@pytest.mark.parametrize("gold", [{}, {"tags": ["B-GOLD", *"OOOOO"]}, {"ner_tags": [1, 0, 0, 0, 0, 0]}])
def test_predictions_for_words_are_read_too(predicted, gold):
    assert spans_of(predicted({"tokens": TEXT.split(), **gold})) == (TEXT, PREDICTED)


def test_a_task_of_label_studio_is_read_as_predicted(predicted):
    task = {"id": 1, "data": {"text": TEXT}, "annotations": [{"result": []}], "predictions": []}
    assert spans_of(predicted(task)) == (TEXT, PREDICTED)


def test_corrected_predictions_are_what_is_converted(predicted, rnner, tmp_path):
    path = predicted({"text": TEXT})
    record = json.loads(path.read_text())
    record["entities"] = [
        {**record["entities"][0], "label": "WRITER"},
        {"label": "TOWN", "start": 22, "end": 28},
    ]
    path.write_text(json.dumps(record) + "\n")
    assert rnner("data", "convert", path, "--output", tmp_path / "train.conll").code == 0
    tagged = [line.split("\t") for line in (tmp_path / "train.conll").read_text().splitlines() if line]
    assert tagged[-6:] == [
        ["Ada", "B-WRITER"],
        ["Lovelace", "I-WRITER"],
        ["wrote", "O"],
        ["to", "O"],
        ["London", "B-TOWN"],
        [".", "O"],
    ]
