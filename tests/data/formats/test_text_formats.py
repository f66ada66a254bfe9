"""Prodigy, doccano and Label Studio: samples as these programs write them."""

import json

import pytest

from rnner.data.formats.annotated import CharSpan
from rnner.data.formats.registry import read_documents

PRODIGY = """\
{"text": "Ada  met Bo's aunt.", "_input_hash": 1, "tokens": [{"text": "Ada", "start": 0, "end": 3, "id": 0, \
"ws": true}, {"text": " ", "start": 4, "end": 5, "id": 1, "ws": false}, {"text": "met", "start": 5, \
"end": 8, "id": 2, "ws": true}, {"text": "Bo's", "start": 9, "end": 13, "id": 3, "ws": true}], "spans": \
[{"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "PER"}], "answer": "accept"}
{"text": "No.", "spans": [{"start": 0, "end": 2, "label": "PER"}], "answer": "reject"}
{"text": "Nobody.", "answer": "accept"}
{"text": "Perhaps.", "spans": [], "answer": "ignore"}
"""
TASK = {
    "id": 3,
    "data": {"text": "😀 Ada met\nBo Li."},
    "annotations": [
        {
            "id": 9,
            "was_cancelled": False,
            "result": [
                {"type": "labels", "value": {"start": 3, "end": 6, "text": "Ada", "labels": ["PER"]}},
                {"type": "labels", "value": {"start": 11, "end": 16, "text": "Bo Li", "labels": ["PER"]}},
                {"type": "choices", "value": {"choices": ["good"]}},
            ],
        },
        {"was_cancelled": True, "result": []},
    ],
}


def test_prodigy_reads_accepted_records_with_their_tokens(written) -> None:
    source = written(PRODIGY)
    first, second = read_documents(source, "prodigy")
    assert first.spans == [CharSpan(0, 3, "PER")]
    assert [token.text for token in first.sentences[0]] == ["Ada", "met", "Bo's"]
    assert (second.text, second.spans, second.sentences, second.line) == ("Nobody.", [], None, 3)
    assert source.note_lines() == [
        "1 × records with the answer 'reject' skipped",
        "1 × records with the answer 'ignore' skipped",
    ]


def test_prodigy_tokens_must_match_the_text(refusal) -> None:
    wrong = PRODIGY.replace('"text": "met"', '"text": "sat"')
    assert refusal(wrong).startswith("1: the token 'sat' does not match the text at 5-8")
    beyond = '{"text": "ab", "spans": [], "tokens": [{"text": "", "start": 5, "end": 6}]}'
    assert refusal(beyond).startswith("1: the token '' does not match the text at 5-6")
    assert "begins before the previous token ends" in refusal(
        '{"text": "ab", "spans": [], "tokens": [{"text": "ab", "start": 0, "end": 2}, '
        '{"text": "b", "start": 1, "end": 2}]}'
    )


@pytest.mark.parametrize(
    "record",
    [
        '{"id": 1, "text": "é Ada", "label": [[2, 5, "PER"]]}',
        '{"id": 1, "data": "é Ada", "labels": [[2, 5, "PER"]]}',
        '{"text": "é Ada", "entities": [{"id": 4, "label": "PER", "start_offset": 2, "end_offset": 5}], '
        '"relations": []}',
        '{"text": "é Ada", "annotations": [{"label": 7, "start_offset": 2, "end_offset": 5, "user": 1}]}',
    ],
    ids=["label", "labels", "entities", "annotations"],
)
def test_the_forms_of_doccano(documents, record: str) -> None:
    (document,) = documents(record, label_names={"7": "PER"})
    assert (document.text, document.spans) == ("é Ada", [CharSpan(2, 5, "PER")])


def test_a_numeric_label_needs_a_name(refusal) -> None:
    message = refusal('{"text": "Ada", "annotations": [{"label": 7, "start_offset": 0, "end_offset": 3}]}')
    assert message.startswith("1: the label 7 is a number") and "--names 7=PER" in message


def test_doccano_labels_of_whole_texts_are_refused(refusal) -> None:
    assert refusal('{"text": "fine", "label": ["good"]}').startswith("1: expected a label as [start")


def test_label_studio_counts_utf16(written) -> None:
    source = written(json.dumps([TASK, {"data": {"text": "later"}, "annotations": []}]))
    (document,) = read_documents(source, "labelstudio")
    assert [document.text[span.start : span.end] for span in document.spans] == ["Ada", "Bo Li"]
    assert source.note_lines() == [
        "1 × results of type 'choices' skipped: they are not labels of a text",
        "1 × tasks without an annotation skipped",
    ]


def test_label_studio_character_offsets_are_detected_by_the_quotes(written) -> None:
    task = json.loads(json.dumps(TASK))
    for item, (start, end) in zip(task["annotations"][0]["result"], [(2, 5), (10, 15)], strict=False):
        item["value"] |= {"start": start, "end": end}
    source = written(json.dumps([task]))
    (document,) = read_documents(source, "labelstudio")
    assert [document.text[span.start : span.end] for span in document.spans] == ["Ada", "Bo Li"]
    assert any("offsets in characters" in note for note in source.note_lines())


def value(**changed: object) -> str:
    result = [
        {"type": "labels", "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"], **changed}}
    ]
    return json.dumps([{"data": {"text": "Ada 😀"}, "annotations": [{"result": result}]}])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (value(text="Bob"), "1: the span 0-3 PER is 'Ada' in the text, but the record says 'Bob'"),
        (
            value(end=5, text=None),
            "1: the span 0-5 PER begins or ends within a character",
        ),  # within the emoji
        (value(start="/p[1]"), '1: "start" is not a whole number'),
        (value(labels=[]), "1: a label is empty"),
    ],
)
def test_label_studio_invalid_spans(refusal, text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_label_studio_reads_the_ground_truth_or_the_first_annotation(written) -> None:
    one, other = json.loads(value())[0], json.loads(value(labels=["ORG"]))[0]
    task = {**one, "annotations": one["annotations"] + other["annotations"]}
    source = written(json.dumps([task]))
    assert read_documents(source, "labelstudio")[0].spans == [CharSpan(0, 3, "PER")]
    assert ["1 × tasks whose annotations differ" in note for note in source.note_lines()] == [True]
    task["annotations"][1]["ground_truth"] = True
    source = written(json.dumps([task]))
    assert read_documents(source, "labelstudio")[0].spans == [CharSpan(0, 3, "ORG")]
    assert not source.note_lines()


def test_label_studio_two_labels_of_a_span_are_two_spans(documents) -> None:
    spans = documents(value(labels=["PER", "POET"]))[0].spans
    assert spans == [CharSpan(0, 3, "PER"), CharSpan(0, 3, "POET")]
