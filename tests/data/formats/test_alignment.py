"""Spans of characters onto tokens: what fits, what each rule does with what does not, and that it is told."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.formats.alignment import Align, Aligner, Overlaps
from rnner.data.formats.annotated import AnnotatedText, CharSpan
from rnner.errors import DataError

TEXT = "Ada Lovelace's notes. She lived in New York."
#       0   4       12 15     22  26    32 35  39


def aligned(*spans: tuple[int, int, str], align: Align = "strict", overlaps: Overlaps = "error"):
    aligner = Aligner(Path("notes.jsonl"), align, overlaps)
    sentences = aligner.sentences(AnnotatedText(TEXT, [CharSpan(*span) for span in spans], 7))
    names = [
        (" ".join(token.text for token in tokens[start:end]), label)
        for tokens, found in sentences
        for start, end, label in found
    ]
    return aligner, names


def refusal(aligner: Aligner) -> str:
    with pytest.raises(DataError) as caught:
        aligner.check()
    return str(caught.value)


def test_spans_of_whole_tokens_stay_as_they_are() -> None:
    aligner, names = aligned((35, 43, "LOC"), (0, 12, "PER"))
    aligner.check()
    assert names == [("Ada Lovelace", "PER"), ("New York", "LOC")] and not aligner.changed


def test_white_space_at_the_ends_of_a_span_does_not_count() -> None:
    aligner, names = aligned((3, 13, "PER"), (34, 39, "LOC"), align="strict")
    assert names == [("New", "LOC")]
    assert aligner.crossing == ['notes.jsonl:7: 3-13 PER " Lovelace\'" cuts "Lovelace \'s"']


def test_strict_refuses_what_cuts_a_token_and_says_what_to_do() -> None:
    aligner, names = aligned((0, 6, "PER"), (35, 43, "LOC"))
    assert names == [("New York", "LOC")]
    message = refusal(aligner)
    assert message.startswith("notes.jsonl: spans that do not begin and end where tokens do: 1\n")
    assert "notes.jsonl:7: 0-6 PER 'Ada Lo' cuts 'Ada Lovelace'" in message
    assert "--align expand" in message


def test_expand_takes_all_tokens_touched_and_contract_those_within() -> None:
    expanded, names = aligned((0, 6, "PER"), align="expand")
    assert names == [("Ada Lovelace", "PER")]
    assert expanded.changed == ["notes.jsonl:7: 0-6 PER 'Ada Lo' became 'Ada Lovelace'"]
    contracted, names = aligned((0, 6, "PER"), align="contract")
    assert names == [("Ada", "PER")]
    assert contracted.changed == ["notes.jsonl:7: 0-6 PER 'Ada Lo' became 'Ada'"]


def test_a_span_without_a_whole_token_is_left_out_and_told() -> None:
    aligner, names = aligned((5, 8, "PER"), align="contract")
    assert names == []
    assert aligner.changed == ["notes.jsonl:7: 5-8 PER 'ove' left out: it holds no whole token"]


@pytest.mark.parametrize(
    ("overlaps", "kept"),
    [("longest", [("Lovelace 's notes", "WORK")]), ("first", [("Ada Lovelace", "PER")])],
)
def test_of_spans_that_overlap_a_rule_keeps_one(overlaps: Overlaps, kept: list[tuple[str, str]]) -> None:
    aligner, names = aligned((4, 20, "WORK"), (0, 12, "PER"), overlaps=overlaps)
    assert names == kept
    (told,) = aligner.changed
    assert "left out: it overlaps" in told


def test_without_a_rule_overlaps_are_refused() -> None:
    aligner, _ = aligned((0, 12, "PER"), (4, 12, "PER"))
    assert "notes.jsonl:7: 4-12 PER 'Lovelace' overlaps 0-12 PER" in refusal(aligner)


def test_two_labels_of_one_span_overlap_but_the_same_twice_is_one() -> None:
    aligner, _ = aligned((0, 12, "PER"), (0, 12, "ORG"))
    assert "0-12 ORG 'Ada Lovelace' overlaps 0-12 PER" in refusal(aligner)
    aligner, names = aligned((0, 12, "PER"), (0, 12, "PER"))
    assert names == [("Ada Lovelace", "PER")] and not aligner.overlapping


def test_no_sentence_ends_within_a_span() -> None:
    document = AnnotatedText("He met Dr. No. Yes.", [CharSpan(11, 18, "PER")], 1)
    ((tokens, spans),) = Aligner(Path("a")).sentences(document)
    assert [token.text for token in tokens][spans[0].start : spans[0].end] == ["No", ".", "Yes"]
    assert len(Aligner(Path("a")).sentences(AnnotatedText(document.text, [], 1))) == 2


def test_a_text_without_a_word_is_told() -> None:
    aligner = Aligner(Path("a"))
    assert aligner.sentences(AnnotatedText(" \n", [], 3)) == []
    assert aligner.changed == ["a:3: left out: the text holds no word"]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 20), st.sampled_from("AB")), max_size=5)
)
def test_every_span_is_kept_or_told(drawn: list[tuple[int, int, str]]) -> None:
    spans = [(start, min(start + length, len(TEXT)), label) for start, length, label in drawn]
    for align, overlaps in product(("strict", "expand", "contract"), ("error", "longest", "first")):
        aligner, names = aligned(*spans, align=align, overlaps=overlaps)
        told = "\n".join(aligner.crossing + aligner.overlapping + aligner.changed)
        kept = {(letters(text), label) for text, label in names}
        for start, end, label in spans:
            assert (letters(TEXT[start:end]), label) in kept or f":7: {start}-{end} {label} " in told
        assert bool(aligner.crossing) <= (align == "strict")
        assert bool(aligner.overlapping) <= (overlaps == "error")


def letters(text: str) -> str:
    return text.replace(" ", "")
