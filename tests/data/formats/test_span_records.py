"""JSON records with a text and spans: the keys and units that programs write."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents, read_sentences
from rnner.errors import DataError
from rnner.workbench.convert import convert

ADA = [CharSpan(2, 5, "PER")]


@pytest.mark.parametrize(
    "record",
    [
        {"text": "é Ada", "entities": [{"start": 2, "end": 5, "label": "PER"}]},
        {"text": "é Ada", "entities": [{"label": "PER", "start": 2, "end": 5, "text": "Ada", "score": 0.9}]},
        {"text": "é Ada", "spans": [{"start_offset": 2, "end_offset": 5, "type": "PER"}]},
        {"content": "é Ada", "annotations": [{"startOffset": 2, "endOffset": 5, "tag": "PER"}]},
        {"sentence": "é Ada", "labels": [{"begin": 2, "end": 5, "category": "PER"}]},
        {"body": "é Ada", "ents": [{"start": 2, "end": 5, "name": "PER"}]},
        {"text": "é Ada", "entities": [{"offset": 2, "length": 3, "category": "PER", "text": "Ada"}]},
        {"text": "é Ada", "entities": [{"BeginOffset": 2, "EndOffset": 5, "Type": "PER", "Text": "Ada"}]},
        {"text": "é Ada", "entities": [{"entity_group": "PER", "start": 2, "end": 5, "word": "ada"}]},
        {"text": "é Ada", "entities": [{"start_byte": 3, "end_byte": 6, "label": "PER"}]},
        {"text": "é Ada", "entities": [[2, 5, "PER"]]},
        {"text": "é Ada", "entities": [{"start": 2, "end": 5, "label": ["PER"]}]},
        {
            "textContent": "é Ada",
            "textSegmentAnnotations": [{"startOffset": 2, "endOffset": 5, "displayName": "PER"}],
        },
        {
            "content": "é Ada",
            "annotation": [{"label": ["PER"], "points": [{"start": 2, "end": 4, "text": "Ada"}]}],
        },
        {"text": "é Ada", "label": {"PER": {"Ada": [[2, 4]]}}},
        {"text": "é Ada", "label": {"PER": [[2, 5]]}},
    ],
    ids=lambda record: "+".join(record),
)
def test_the_keys_of_spans(documents: Callable, record: dict) -> None:
    (document,) = documents(json.dumps(record))
    assert (document.text, document.spans) == ("é Ada", ADA)


@pytest.mark.parametrize(
    ("start", "end", "unit"),
    [
        (2, 5, None),
        (3, 6, "UTF-16 code units"),
        (5, 8, "UTF-8 bytes"),
        (2, 4, "characters, with the end included"),
    ],
)
def test_the_quoted_text_shows_the_unit_of_the_offsets(written, start: int, end: int, unit: str) -> None:
    record = {"text": "😀 Ada", "entities": [{"start": start, "end": end, "label": "PER", "text": "Ada"}]}
    source = written(json.dumps(record))
    assert read_documents(source, "jsonl")[0].spans == ADA
    assert [unit in note for note in source.note_lines()] == ([True] if unit else [])


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ({"start": 0, "end": 3, "label": "PER", "text": "Bob"}, "1: the span 0-3 PER is 'Ada' in the text"),
        ({"start": 0, "end": 30, "label": "PER"}, "1: the span 0-30 PER is outside the text (10 characters)"),
        ({"start": 0, "end": 3}, "1: a span has no 'label'; its keys are \"start\", \"end\""),
        ({"from": 0, "to": 3}, "1: a span has no 'start'; its keys are \"from\", \"to\""),
        ({"start": 0, "end": 3, "label": 7}, "1: the label 7 is a number; name it with"),
        ({"start_byte": 1, "end_byte": 3, "label": "PER"}, "1: the span 1-3 PER begins or ends within"),
        ("PER", "1: expected a label as [start, end"),
    ],
)  # fmt: skip
def test_spans_that_do_not_fit(refusal, entity: object, message: str) -> None:
    text = "é wrote it" if "within" in message else "Ada wrote."
    assert refusal(json.dumps({"text": text, "entities": [entity]})).startswith(message)


def test_messages_show_at_most_120_characters(refusal) -> None:
    message = refusal(json.dumps({"text": "Ada", "entities": "x" * 10_000}))
    assert message.startswith('1: "entities" is not a list: "xxx') and len(message) < 160


def test_unknown_records_are_named_by_their_keys(refusal) -> None:
    message = refusal('{"id": 1, "sätze": "Ada", "names": []}')
    assert (
        message.startswith("1: expected records with tokens and tags") and '"id", "sätze", "names"' in message
    )


def test_first_records_without_spans_do_not_hide_the_format(documents) -> None:
    lines = ['{"text": "Rain."}', '{"text": "Ada.", "entities": [{"start": 0, "end": 3, "label": "PER"}]}']
    first, second = documents("\n".join(lines))
    assert (first.spans, second.spans) == ([], [CharSpan(0, 3, "PER")])


# --- the predictions of rnner ------------------------------------------------------------------------------


def predicted(text: str, *entities: tuple[int, int, str], **others: object) -> str:
    found = [
        {"label": label, "start": start, "end": end, "text": text[start:end], "score": 0.98}
        for start, end, label in entities
    ]
    return json.dumps({"text": text, "entities": found, **others})


@pytest.mark.parametrize(
    "others",
    [
        {"spans": [{"start": 4, "end": 9, "label": "GOLD"}], "answer": "reject"},
        {"label": [[4, 9, "GOLD"]]},
        {"tokens": ["Ada", "wrote", "."], "tags": ["O", "B-GOLD", "O"]},
        {"annotations": [{"start_offset": 4, "end_offset": 9, "label": "GOLD"}], "id": 3},
        {"input_entities": [[4, 9, "GOLD"]], "nbest": [{"start": 0, "end": 10, "readings": []}]},
        {"input_label": [{"start": 4, "end": 9, "text": "wrote", "labels": ["GOLD"]}]},
    ],
    ids=lambda others: "+".join(others),
)
def test_predicted_entities_win_over_left_over_keys(documents, others: dict) -> None:
    (document,) = documents(predicted("Ada wrote.", (0, 3, "PER"), **others))
    assert document.spans == [CharSpan(0, 3, "PER")]


@pytest.mark.parametrize("key", ["tokens", "words"])
def test_predicted_words_end_no_document(documents, key: str) -> None:
    (document,) = documents(predicted("Ada wrote", (0, 3, "PER"), **{key: ["Ada", "wrote"]}))
    assert not document.marked and len(document.sentences or []) == 1


@pytest.mark.parametrize("form", ["prodigy", "doccano", "jsonl"])
def test_predictions_are_read_whichever_format_is_given(written, form: str) -> None:
    (document,) = read_documents(written(predicted("Ada wrote.", (0, 3, "PER"))), form)
    assert document.spans == [CharSpan(0, 3, "PER")]


def test_predicted_tokens_are_kept_as_a_sentence(written) -> None:
    source = written(predicted("semi-\u200bAda wrote", (6, 9, "PER"), tokens=["semi-\u200b", "Ada", "wrote"]))
    (sentence,) = read_sentences(source, detect_format(source.path))
    assert (sentence.words, sentence.tags) == (["semi-\u200b", "Ada", "wrote"], ["O", "S-PER", "O"])
    source = written(predicted("Ada wrote", (0, 3, "PER"), tokens=["Ada", "left"]))
    (sentence,) = read_sentences(source, detect_format(source.path))
    assert sentence.words == ["Ada", "wrote"]
    assert source.note_lines() == ["records tokenized again, because their tokens do not match their text: 1"]


def test_labels_that_are_not_read_are_noted(written) -> None:
    source = written(predicted("Ada wrote.", (0, 3, "PER"), spans=[{"start": 4, "end": 9, "label": "X"}]))
    read_documents(source, "jsonl")
    assert source.note_lines() == ["labels under 'spans' not read: 1"]


def test_converting_none_of_the_labels_is_an_error(written, tmp_path: Path) -> None:
    source = written('{"text": "Ada", "mentions": [{"start": 0, "end": 3, "label": "PER"}]}')
    with pytest.raises(DataError, match=r"no entities were read; .*labels under 'mentions' not read"):
        convert(source, tmp_path / "out", form="prodigy", to="conll")
    assert not (tmp_path / "out").exists()


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(text=texts, data=st.data(), unit=st.sampled_from(["utf-8", "utf-16-le"]))
def test_offsets_in_any_unit_give_the_same_spans(tmp_path_factory, text: str, data, unit: str) -> None:
    start, end = sorted([data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))])
    if not text[start:end].strip():
        return
    size = {"utf-8": 1, "utf-16-le": 2}[unit]
    places = {key: len(text[:i].encode(unit)) // size for key, i in (("start", start), ("end", end))}
    record = {"text": text, "entities": [{**places, "label": "A", "text": text[start:end]}]}
    path = tmp_path_factory.getbasetemp() / "units.jsonl"
    path.write_text(json.dumps(record))
    (document,) = read_documents(SourceFile(path), "jsonl")
    (span,) = document.spans
    assert "".join(text[span.start : span.end].split()) == "".join(text[start:end].split())


def test_a_label_dictionary_that_cannot_be_read_is_refused(refusal) -> None:
    message = refusal(json.dumps({"text": "Ada", "label": {"PER": {"Ada": [0, 2]}}}))
    assert message == "1: expected the start and the end of PER, found 0"
