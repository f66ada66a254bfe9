"""Prodigy, doccano and Label Studio: samples as these programs write them."""

import csv
import io
import json

import pytest

from rnner.data.formats.annotated import CharSpan
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents
from rnner.errors import DataError
from rnner.workbench.convert import convert

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
        "characters outside the tokens of the file, which token formats leave out: 5",
        "records with the answer 'reject' skipped: 1",
        "records with the answer 'ignore' skipped: 1",
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
        "results of type 'choices' skipped (not labels of a text): 1",
        "tasks without an annotation skipped: 1",
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
    assert ["tasks whose annotations differ" in note for note in source.note_lines()] == [True]
    task["annotations"][1]["ground_truth"] = True
    source = written(json.dumps([task]))
    assert read_documents(source, "labelstudio")[0].spans == [CharSpan(0, 3, "ORG")]
    assert not source.note_lines()


def test_label_studio_two_labels_of_a_span_are_two_spans(documents) -> None:
    spans = documents(value(labels=["PER", "POET"]))[0].spans
    assert spans == [CharSpan(0, 3, "PER"), CharSpan(0, 3, "POET")]


# --- Label Studio: other exports ----------------------------------------------------------------------------

LABELS = [{"start": 3, "end": 6, "text": "Ada", "labels": ["PER"]}]
MINIMAL = {"id": 7, "text": "😀 Ada", "label": LABELS, "annotator": 1, "created_at": "2024-05-01T10:00:00Z"}


def test_label_studio_minimal_json_reads_the_first_annotation_of_a_task(written) -> None:
    other = {**MINIMAL, "label": [{**LABELS[0], "labels": ["ORG"]}], "annotator": 2}
    source = written(json.dumps([MINIMAL, other, {"id": 8, "text": "Rain."}]))
    assert detect_format(source.path) == "labelstudio"
    first, second = read_documents(source, "labelstudio")
    assert (first.text, first.spans) == ("😀 Ada", [CharSpan(2, 5, "PER")])
    assert (second.text, second.spans) == ("Rain.", [])
    assert source.note_lines() == ["further annotations of a task skipped (only its first is read): 1"]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_label_studio_tables_have_the_labels_as_json_in_a_cell(written, delimiter: str, mark: str) -> None:
    out = io.StringIO()
    table = csv.writer(out, delimiter=delimiter)
    table.writerow(["review", "id", "label", "annotator", "created_at"])
    table.writerow(['😀 Ada\n"wrote", twice', 1, json.dumps(LABELS), "me@here", "2024-05-01"])
    table.writerow(["Rain.", 2, "", "me@here", "2024-05-01"])
    source = written(mark + out.getvalue())
    assert detect_format(source.path) == "labelstudio"
    first, second = read_documents(source, "labelstudio")
    assert (first.text, first.spans, first.line) == ('😀 Ada\n"wrote", twice', [CharSpan(2, 5, "PER")], 2)
    assert (second.text, second.spans, second.line) == ("Rain.", [], 4)


def test_a_row_of_a_table_that_does_not_fit_is_an_error(refusal) -> None:
    table = 'text,label\n"Ada","[{""start"": 0, ""end"": 3, ""labels"": [""PER""]}]",3\n'
    assert refusal(table).startswith("2: this row has more cells than the header")


def test_label_studio_completions(documents) -> None:
    task = {"id": 1, "data": {"text": "😀 Ada"}, "completions": [{"result": [], "was_cancelled": True}]}
    result = [{"type": "labels", "value": LABELS[0]}]
    task["completions"] += [{"result": []}, {"result": result, "honeypot": True}]
    assert documents(json.dumps([task]))[0].spans == [CharSpan(2, 5, "PER")]


def test_label_studio_hypertext_is_read_without_its_markup(documents) -> None:
    page = "<h1>Caf&eacute;</h1><p>Ada <b>Love</b>lace</p>"
    place = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[2]", "startOffset": 0, "endOffset": 4}
    value = {**place, "text": "Ada Lovelace", "hypertextlabels": ["PER"]}
    value["globalOffsets"] = {"start": 4, "end": 16}
    result = [{"type": "hypertextlabels", "value": value}, {"type": "relation", "from_id": "a"}]
    (document,) = documents(json.dumps([{"data": {"html": page}, "annotations": [{"result": result}]}]))
    assert (document.text, document.spans) == ("Café\nAda Lovelace", [CharSpan(5, 17, "PER")])


def test_label_studio_labels_of_other_types_are_noted(written, tmp_path) -> None:
    result = [{"type": "paragraphlabels", "value": {"start": "0", "end": "0", "paragraphlabels": ["PER"]}}]
    source = written(json.dumps([{"data": {"text": "Ada"}, "annotations": [{"result": result}]}]))
    with pytest.raises(
        DataError, match="no entities were read; labels of type 'paragraphlabels' not read: 1"
    ):
        convert(source, tmp_path / "out", form="labelstudio", to="conll")
