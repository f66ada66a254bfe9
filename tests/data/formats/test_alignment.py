"""Alignment of character spans with tokens: what fits, what each rule changes, and what is reported."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.formats.alignment import Aligner, AlignRule, OverlapRule
from rnner.data.formats.annotated import AnnotatedText, CharSpan
from rnner.errors import DataError

TEXT = "Ada Lovelace's notes. She lived in New York."
#       0   4       12 15     22  26    32 35  39


def aligned(*spans: tuple[int, int, str], align: AlignRule = "strict", overlaps: OverlapRule = "error"):
    aligner = Aligner(Path("notes.jsonl"), align, overlaps)
    sentences = aligner.align(AnnotatedText(TEXT, [CharSpan(*span) for span in spans], 7))
    names = [
        (" ".join(token.text for token in tokens[start:end]), label)
        for tokens, found in sentences
        for start, end, label in found
    ]
    return aligner, names


def refusal(aligner: Aligner) -> str:
    with pytest.raises(DataError) as caught:
        aligner.raise_refused()
    return str(caught.value)


def test_spans_of_whole_tokens_are_unchanged() -> None:
    aligner, names = aligned((35, 43, "LOC"), (0, 12, "PER"))
    aligner.raise_refused()
    assert names == [("Ada Lovelace", "PER"), ("New York", "LOC")] and not aligner.changed


def test_white_space_at_the_ends_of_a_span_is_ignored() -> None:
    aligner, names = aligned((3, 13, "PER"), (34, 39, "LOC"), align="strict")
    assert names == [("New", "LOC")]
    assert aligner.crossing == ['notes.jsonl:7: 3-13 PER " Lovelace\'" cuts "Lovelace \'s"']


def test_strict_refuses_spans_that_cut_a_token_with_advice() -> None:
    aligner, names = aligned((0, 6, "PER"), (35, 43, "LOC"))
    assert names == [("New York", "LOC")]
    message = refusal(aligner)
    assert message.startswith("notes.jsonl: spans that do not begin and end where tokens do: 1\n")
    assert "notes.jsonl:7: 0-6 PER 'Ada Lo' cuts 'Ada Lovelace'" in message
    assert "--align expand" in message


def test_expand_takes_touched_tokens_and_contract_inner_ones() -> None:
    expanded, names = aligned((0, 6, "PER"), align="expand")
    assert names == [("Ada Lovelace", "PER")]
    assert expanded.changed == ["notes.jsonl:7: 0-6 PER 'Ada Lo' became 'Ada Lovelace'"]
    contracted, names = aligned((0, 6, "PER"), align="contract")
    assert names == [("Ada", "PER")]
    assert contracted.changed == ["notes.jsonl:7: 0-6 PER 'Ada Lo' became 'Ada'"]


def test_a_span_without_a_whole_token_is_left_out_and_reported() -> None:
    aligner, names = aligned((5, 8, "PER"), align="contract")
    assert names == []
    assert aligner.changed == ["notes.jsonl:7: 5-8 PER 'ove' left out: it holds no whole token"]


@pytest.mark.parametrize(
    ("overlaps", "kept"),
    [("longest", [("Lovelace 's notes", "WORK")]), ("first", [("Ada Lovelace", "PER")])],
)
def test_a_rule_keeps_one_of_overlapping_spans(overlaps: OverlapRule, kept: list[tuple[str, str]]) -> None:
    aligner, names = aligned((4, 20, "WORK"), (0, 12, "PER"), overlaps=overlaps)
    assert names == kept
    (line,) = aligner.changed
    assert "left out: it overlaps" in line


def test_without_a_rule_overlaps_are_refused() -> None:
    aligner, _ = aligned((0, 12, "PER"), (4, 12, "PER"))
    assert "notes.jsonl:7: 4-12 PER 'Lovelace' overlaps 0-12 PER" in refusal(aligner)


def test_two_labels_of_a_span_overlap_but_duplicates_do_not() -> None:
    aligner, _ = aligned((0, 12, "PER"), (0, 12, "ORG"))
    assert "0-12 ORG 'Ada Lovelace' overlaps 0-12 PER" in refusal(aligner)
    aligner, names = aligned((0, 12, "PER"), (0, 12, "PER"))
    assert names == [("Ada Lovelace", "PER")] and not aligner.overlapping


def test_no_sentence_ends_within_a_span() -> None:
    document = AnnotatedText("He met Dr. No. Yes.", [CharSpan(11, 18, "PER")], 1)
    ((tokens, spans),) = Aligner(Path("a")).align(document)
    assert [token.text for token in tokens][spans[0].start : spans[0].end] == ["No", ".", "Yes"]
    assert len(Aligner(Path("a")).align(AnnotatedText(document.text, [], 1))) == 2


def test_a_text_without_words_is_reported() -> None:
    aligner = Aligner(Path("a"))
    assert aligner.align(AnnotatedText(" \n", [], 3)) == []
    assert aligner.changed == ["a:3: skipped: the text has no words"]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 20), st.sampled_from("AB")), max_size=5)
)
def test_every_span_is_kept_or_reported(drawn: list[tuple[int, int, str]]) -> None:
    spans = [(start, min(start + length, len(TEXT)), label) for start, length, label in drawn]
    for align, overlaps in product(("strict", "expand", "contract"), ("error", "longest", "first")):
        aligner, names = aligned(*spans, align=align, overlaps=overlaps)
        reported = "\n".join(aligner.crossing + aligner.overlapping + aligner.changed)
        kept = {(letters(text), label) for text, label in names}
        for start, end, label in spans:
            assert (letters(TEXT[start:end]), label) in kept or f":7: {start}-{end} {label} " in reported
        assert bool(aligner.crossing) <= (align == "strict")
        assert bool(aligner.overlapping) <= (overlaps == "error")


def letters(text: str) -> str:
    return text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("王小明昨天从北京飞往上海。", ["王小明", "北京", "上海"]),
        ("山田花子さんはソニーで働く。", ["山田花子", "ソニー"]),
        ("นายสมชายเดินทางไปเชียงใหม่", ["สมชาย", "เชียงใหม่"]),
        ("ນາງຄຳຢູ່ວຽງຈັນ", ["ຄຳ", "ວຽງຈັນ"]),
        ("លោកសុខរស់នៅភ្នំពេញ", ["សុខ", "ភ្នំពេញ"]),
        ("ဦးအောင်သည်ရန်ကုန်မှာနေသည်။", ["ဦးအောင်", "ရန်ကုန်"]),
    ],
)
def test_names_in_scripts_without_spaces_begin_and_end_where_tokens_do(text: str, names: list[str]) -> None:
    aligner = Aligner(Path("notes.jsonl"))
    starts = [text.index(name) for name in names]
    spans = [CharSpan(start, start + len(name), "X") for start, name in zip(starts, names, strict=True)]
    ((tokens, found),) = aligner.align(AnnotatedText(text, spans, 1))
    aligner.raise_refused()
    assert ["".join(token.text for token in tokens[start:end]) for start, end, _ in found] == names


def test_messages_quote_the_beginning_of_a_long_span() -> None:
    text = "Ada wrote a letter. " * 5_000
    aligner = Aligner(Path("a.jsonl"))
    aligner.align(AnnotatedText(text, [CharSpan(i, len(text) - 2, "PER") for i in range(1, 101)], 1))
    assert len(aligner.crossing) > 50 and max(map(len, aligner.crossing)) < 300


def test_a_span_over_many_sentences_joins_them_in_linear_time() -> None:
    text = "It rained. " * 10_000
    document = AnnotatedText(text, [CharSpan(0, len(text) - 1, "EVENT")], 1)
    ((tokens, spans),) = Aligner(Path("a.jsonl")).align(document)
    assert len(tokens) == 30_000 and [span[:2] for span in spans] == [(0, 30_000)]
