"""Sets of tags, against the enumeration of all tag sequences of short sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.scheme_detector import SchemeDetector
from rnner.data.tag_sets import (
    ContradictionError,
    certain_label,
    certain_spans,
    convert,
    describe,
    is_set,
    join,
    members,
    narrow,
)
from rnner.data.token_table import TableRow, TokenTable, build_table
from rnner.tags import Span, TagError, from_spans, tag_inventory, to_spans

LABELS = ["A", "B"]
Spans = tuple[Span, ...]


def table_of(*sentences: Sequence[str]) -> TokenTable:
    return build_table(TableRow(["w"] * len(tags), list(tags), 0, 1) for tags in sentences)


def sentences_of(table: TokenTable, column: object) -> list[list[str]]:
    strings, numbers = column  # type: ignore[misc]
    cuts = table.starts.tolist()
    return [[strings[i] for i in numbers[a:b]] for a, b in pairwise(cuts)]


def converted(tags: Sequence[str], old: str, new: str) -> list[str]:
    table = table_of(tags)
    return sentences_of(table, convert(table, old, new))[0]


def narrowed(tags: Sequence[str], scheme: str) -> list[str]:
    table = table_of(tags)
    return sentences_of(table, narrow(table, scheme))[0]


def allows(tag_set: str, tag: str, scheme: str) -> bool:
    return any(it == tag or (it[2:] == "?" and tag[:2] == it[:2]) for it in members(tag_set, scheme))


def readings(tags: Sequence[str], scheme: str) -> set[Spans]:
    """Return the entities of every legal sequence that the sets allow."""
    inventory = tag_inventory(LABELS, scheme)
    found = set()
    for path in product(*([tag for tag in inventory if allows(own, tag, scheme)] for own in tags)):
        try:
            found.add(tuple(to_spans(path, scheme)))
        except TagError:
            continue
    return found


def as_binary(spans: Spans, length: int) -> Spans:
    return tuple(to_spans(from_spans(spans, length, "binary"), "binary"))


def open_tags(tags: Sequence[str], choices: Sequence[int]) -> list[str]:
    """Return tags of which some are unknown (1), or their labels (2)."""
    marks = [[tag, "?", f"{tag[:2]}?" if "-" in tag else tag] for tag in tags]
    return [own[choice] for own, choice in zip(marks, choices, strict=True)]


@st.composite
def partial_sentences(draw: st.DrawFn, scheme: str) -> list[str]:
    """Return the tags of a sentence of at most 4 words, some of them unknown."""
    length = draw(st.integers(1, 4))
    spans, end = [], 0
    while end < length:
        start, end = end, draw(st.integers(end + 1, length))
        if label := draw(st.sampled_from([*LABELS, ""])):
            spans.append(Span(start, end, label))
    choices = draw(st.lists(st.integers(0, 2), min_size=length, max_size=length))
    return open_tags(from_spans(spans, length, scheme), choices)


def any_tags(scheme: str) -> st.SearchStrategy[list[str]]:
    inventory = tag_inventory(LABELS, scheme)
    marks = sorted({f"{tag[:2]}?" for tag in inventory if "-" in tag})
    return st.lists(st.sampled_from([*inventory, *marks, "?"]), max_size=4, min_size=1)


def follows(tags: Sequence[str], scheme: str) -> bool:
    detector = SchemeDetector()
    detector.add(tags)
    return detector.first_violation(scheme) is None


@pytest.mark.parametrize("old", ["iob1", "iob2", "bioes"])
@pytest.mark.parametrize("new", ["iob1", "iob2", "bioes", "binary"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_conversion_allows_the_same_entities(data: st.DataObject, old: str, new: str) -> None:
    tags = data.draw(partial_sentences(old))
    before, after = readings(tags, old), readings(converted(tags, old, new), new)
    if new == "binary":
        before = {as_binary(spans, len(tags)) for spans in before}
    if "iob1" in (old, new) and old != new:  # adjacent entities of one label may be separate or one
        assert before <= after
    else:
        assert before == after
    assert before


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_conversion_from_binary_allows_at_least_the_same_entities(data: st.DataObject) -> None:
    tags = data.draw(partial_sentences("binary"))
    result = [tag.replace("NAME", "A") for tag in converted(tags, "binary", "bioes")]
    before = {tuple(span._replace(label="A") for span in spans) for spans in readings(tags, "binary")}
    assert before <= readings(result, "bioes")


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes", "binary"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_narrowing_keeps_exactly_the_tags_of_legal_sequences(data: st.DataObject, scheme: str) -> None:
    tags = data.draw(partial_sentences(scheme))
    before, result = readings(tags, scheme), narrowed(tags, scheme)
    assert readings(result, scheme) == before
    inventory = tag_inventory(LABELS, scheme)
    for position, tag_set in enumerate(result if scheme != "binary" else ()):
        used = {from_spans(spans, len(tags), scheme)[position] for spans in before}
        assert {tag for tag in inventory if allows(tag_set, tag, scheme)} == used


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_narrowing_finds_every_contradiction_between_tags_that_fit_in_pairs(
    data: st.DataObject, scheme: str
) -> None:
    tags = data.draw(any_tags(scheme).filter(lambda tags: follows(tags, scheme)))
    if readings(tags, scheme):
        narrowed(tags, scheme)
    else:
        with pytest.raises(ContradictionError):
            narrowed(tags, scheme)


@given(st.lists(partial_sentences("bioes"), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_sentences_do_not_influence_each_other(sentences: list[list[str]]) -> None:
    table = table_of(*sentences)
    together = sentences_of(table, convert(table, "bioes", "iob2"))
    assert together == [converted(tags, "bioes", "iob2") for tags in sentences]


@given(partial_sentences("bioes"))
@settings(max_examples=40, deadline=None)
def test_the_certain_entities_are_those_of_all_readings(tags: list[str]) -> None:
    found = readings(tags, "bioes")
    assert set(certain_spans(narrowed(tags, "bioes"))) == set.intersection(*map(set, found))


def test_a_border_next_to_an_unknown_word_is_unknown() -> None:
    assert converted(["B-A", "?", "O"], "iob2", "bioes")[0] == "B-A\tS-A"
    assert converted(["?", "B-A", "O"], "iob2", "bioes")[1] == "S-A"
    assert converted(["B-A", "?"], "bioes", "iob2") == ["B-A", "I-A"]
    assert converted(["S-A", "?"], "bioes", "iob2") == ["B-A", "B-?\tO"]
    assert converted(["B-?", "I-?", "O"], "iob2", "bioes") == ["B-?", "E-?", "O"]
    assert converted(["?", "O"], "iob2", "binary") == ["?", "0"]


def test_a_contradiction_is_found_with_its_word() -> None:
    table = table_of(["O", "B-A", "E-A"], ["S-A", "I-A", "?", "I-B", "E-B"])
    with pytest.raises(ContradictionError, match="no bioes tags fit") as caught:
        narrow(table, "bioes")
    assert caught.value.position in (3, 4, 5)
    with pytest.raises(ContradictionError, match="no bioes tags fit B-A I-A I-B") as caught:
        narrow(table_of(["B-A", "I-?", "?", "I-B", "E-B"]), "bioes")
    assert caught.value.position < 4


def test_what_is_known_of_a_tag() -> None:
    assert [is_set(tag) for tag in ("?", "B-?", "B-A\tS-A", "O", "B-A?", "1")] == [True] * 3 + [False] * 3
    assert [certain_label(tag) for tag in ("?", "B-?", "B-A\tS-A", "O", "I-B", "1", "B-A\tO")] == [
        "?", "?", "A", None, "B", "NAME", "?",
    ]  # fmt: skip
    assert join(["B-A", "O", "B-?"], "iob2") == "B-?\tO"
    assert join(["I-?", "O", "B-?"], "iob2") == "?"
    assert describe("B-A\tS-A") == "B-A or S-A"
