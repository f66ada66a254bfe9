from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from rnner.tags import (
    LABEL_RULE,
    LENIENT,
    SCHEMES,
    Span,
    TagError,
    boundaries,
    from_spans,
    is_tag,
    label_of,
    tag_inventory,
    to_spans,
    transitions,
)

# Maria Skłodowska Curie left Fiat Ford for Paris: four entities, two adjacent ones of one label.
SENTENCE_SPANS = [Span(0, 3, "PER"), Span(4, 5, "ORG"), Span(5, 6, "ORG"), Span(7, 8, "LOC")]
SENTENCE_TAGS = {
    "iob1": "I-PER I-PER I-PER O I-ORG B-ORG O I-LOC",
    "iob2": "B-PER I-PER I-PER O B-ORG B-ORG O B-LOC",
    "bioes": "B-PER I-PER E-PER O S-ORG S-ORG O S-LOC",
    "binary": "1 1 1 0 1 1 0 1",
}


def legal(tags: tuple[str, ...], scheme: str) -> bool:
    try:
        to_spans(tags, scheme)
    except TagError:
        return False
    return True


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
def test_one_sentence_in_every_scheme(scheme: str) -> None:
    tags = SENTENCE_TAGS[scheme].split()
    assert to_spans(tags, scheme) == SENTENCE_SPANS
    assert from_spans(SENTENCE_SPANS, 8, scheme) == tags


def test_binary_tags_merge_neighbouring_names() -> None:
    tags = SENTENCE_TAGS["binary"].split()
    assert from_spans(SENTENCE_SPANS, 8, "binary") == tags
    assert to_spans(tags, "binary") == [Span(0, 3, "NAME"), Span(4, 6, "NAME"), Span(7, 8, "NAME")]


def test_conlleval_reads_tags_that_no_scheme_allows() -> None:
    tags = ["I-PER", "B-PER", "I-LOC", "E-LOC", "I-LOC", "O", "E-ORG"]
    assert to_spans(tags, LENIENT) == [
        Span(0, 1, "PER"), Span(1, 2, "PER"), Span(2, 4, "LOC"), Span(4, 5, "LOC"), Span(6, 7, "ORG")
    ]  # fmt: skip


lenient_tags = st.lists(
    st.sampled_from(["O", *(f"{p}-{t}" for p in "BIES" for t in ("PER", "LOC", "creative-work")), "B", "I"])
)


@settings(deadline=None, max_examples=120)
@given(lenient_tags)
def test_conlleval_finds_what_seqeval_finds(tags: list[str]) -> None:
    """Oracle: seqeval's default mode, a port of the CoNLL script (its ends are inclusive)."""
    expected = [Span(start, end + 1, label) for label, start, end in get_entities(tags)]
    assert to_spans(tags, LENIENT) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_transitions_allow_just_what_to_spans_accepts(scheme: str) -> None:
    tags = tag_inventory(["PER", "creative-work"], scheme)
    allowed = transitions(tags, scheme)
    for length in (1, 2, 3):
        for path in product(range(len(tags)), repeat=length):
            possible = (
                allowed.start[path[0]]
                and all(allowed.step[a][b] for a, b in pairwise(path))
                and allowed.end[path[-1]]
            )
            assert possible == legal(tuple(tags[i] for i in path), scheme), [tags[i] for i in path]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_reading_then_writing_legal_tags_changes_nothing(scheme: str) -> None:
    tags = tag_inventory(["PER", "LOC"], scheme)
    sequences = [path for path in product(tags, repeat=4) if legal(path, scheme)]
    assert sequences
    for sequence in sequences:
        assert from_spans(to_spans(sequence, scheme), 4, scheme) == list(sequence)


@pytest.mark.parametrize("scheme", [*SCHEMES, LENIENT])
def test_boundaries_are_where_no_span_continues(scheme: str) -> None:
    tags = tag_inventory(["PER", "LOC"], "bioes" if scheme == LENIENT else scheme)
    boundary = boundaries(tags, scheme)
    for path in product(range(len(tags)), repeat=3):
        sequence = tuple(tags[i] for i in path)
        if legal(sequence, scheme):
            spans = to_spans(sequence, scheme)
            for i in (0, 1):
                inside_one = any(span.start <= i and i + 1 < span.end for span in spans)
                assert boundary[path[i]][path[i + 1]] == (not inside_one), sequence


@st.composite
def spans_of_a_sentence(draw: st.DrawFn) -> tuple[list[Span], int]:
    spans, position = [], 0
    for gap, size, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(["PER", "B-x", "é o"])))
    ):
        spans.append(Span(position + gap, position + gap + size, label))
        position += gap + size
    return spans, position + draw(st.integers(0, 2))


@settings(deadline=None, max_examples=100)
@given(spans_of_a_sentence(), st.sampled_from(["iob1", "iob2", "bioes"]))
def test_writing_then_reading_spans_changes_nothing(sentence: tuple[list[Span], int], scheme: str) -> None:
    spans, length = sentence
    tags = from_spans(spans[::-1], length, scheme)
    assert len(tags) == length
    assert to_spans(tags, scheme) == spans
    assert to_spans(tags, LENIENT) == spans


@pytest.mark.parametrize(
    ("scheme", "tags", "position", "message"),
    [
        ("iob2", "O I-PER", 1, "I-PER after O: in IOB2, an entity starts with B-PER"),
        ("iob2", "I-PER", 0, "I-PER at the start of a sentence"),
        ("iob2", "B-PER I-LOC", 1, "I-LOC after B-PER"),
        ("iob2", "B-PER E-PER", 1, "'E-PER' is not a valid IOB2 tag; expected O, B-LABEL, I-LABEL"),
        ("iob2", "O B- O", 1, "the tag 'B-' has no label; expected B-LABEL, such as B-PER"),
        ("iob2", "O B O", 1, "the tag 'B' has no label"),
        ("iob2", "O o", 1, "'o' is not a valid IOB2 tag"),
        ("iob2", "O 0", 1, "'0' is not a valid IOB2 tag"),
        (
            "iob1",
            "O B-PER",
            1,
            "B-PER after O: in IOB1, B- only separates adjacent entities of the same label; expected I-PER",
        ),
        ("iob1", "I-PER B-LOC", 1, "B-LOC after I-PER"),
        ("bioes", "O B-PER", 1, "end of sentence after B-PER: in BIOES"),
        ("bioes", "B-PER O", 1, "O after B-PER: in BIOES, B-PER is followed by I-PER or E-PER"),
        ("bioes", "B-PER E-LOC", 1, "E-LOC after B-PER"),
        ("bioes", "S-PER I-PER E-PER", 1, "in BIOES, an entity starts with B-PER or S-PER"),
        ("binary", "1 O", 1, "'O' is not a binary tag; expected 0 or 1"),
        (LENIENT, "B-PER U-PER", 1, "'U-PER' is not a valid conlleval tag"),
        (LENIENT, "B-PER 1", 1, "'1' is not a valid conlleval tag"),
    ],
)
def test_an_illegal_tag_is_reported_with_its_position(
    scheme: str, tags: str, position: int, message: str
) -> None:
    with pytest.raises(TagError) as caught:
        to_spans(tags.split(), scheme)
    assert message in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "spans",
    [
        [Span(0, 2, "PER"), Span(1, 3, "LOC")],
        [Span(0, 2, "PER"), Span(0, 2, "PER")],
        [Span(2, 2, "PER")],
        [Span(-1, 1, "PER")],
        [Span(2, 5, "PER")],
        [Span(0, 1, "")],
    ],
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_impossible_spans_are_refused(spans: list[Span], scheme: str) -> None:
    with pytest.raises(ValueError, match="Span"):
        from_spans(spans, 4, scheme)


def test_unknown_schemes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'bilou'.*iob1, iob2, bioes, binary, conlleval"):
        to_spans(["O"], "bilou")
    with pytest.raises(ValueError, match=r"'conlleval'.*expected iob1, iob2, bioes, binary$"):
        from_spans([], 1, LENIENT)


def test_an_empty_sentence_has_no_spans_and_no_tags() -> None:
    for scheme in SCHEMES:
        assert to_spans([], scheme) == []
        assert from_spans([], 0, scheme) == []


def test_inventory_is_ordered_and_has_no_duplicates() -> None:
    assert tag_inventory(["PER", "LOC", "PER"], "bioes") == (
        ["O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER", "E-PER", "S-PER"]
    )
    assert tag_inventory(["PER"], "iob1") == ["O", "B-PER", "I-PER"]
    assert tag_inventory(["PER", "LOC"], "binary") == ["0", "1"]


def test_transitions_refuse_a_tag_of_another_scheme() -> None:
    with pytest.raises(TagError, match="'S-PER' is not a valid IOB2 tag"):
        transitions(["O", "B-PER", "S-PER"], "iob2")


def test_labels_may_hold_hyphens_and_binary_has_one_label() -> None:
    assert label_of("B-creative-work") == "creative-work"
    assert (label_of("O"), label_of("0"), label_of("1")) == (None, None, "NAME")
    with pytest.raises(ValueError, match="'x'"):
        label_of("x")


@pytest.mark.parametrize("text", ["O", "0", "1", "B-PER", "I-creative-work", "E-x", "S-é"])
def test_tags_look_like_tags(text: str) -> None:
    assert is_tag(text)


@pytest.mark.parametrize("text", ["", "-", "B", "B-", "o", "2", "NNP", "U-PER", "BPER", "b-per"])
def test_other_cells_do_not(text: str) -> None:
    assert not is_tag(text)


@pytest.mark.parametrize(
    "tag", ["B-MISC\r", "I-\u00a0", "S-A\tB", "E-A\x00", "B- A", "B-A  B", "B-\u202eA", "B-\u200d"]
)
def test_a_label_has_visible_characters_only(tag):
    assert not is_tag(tag)
    for scheme in ("bioes", LENIENT):
        with pytest.raises(TagError, match=LABEL_RULE):
            to_spans([tag], scheme)


def test_a_label_may_have_several_words_and_any_script():
    for tag in ("B-Work of Art", "S-人名", "I-می\u200cخواهم", "B-👩\u200d👧", "B-creative-work", "B-e\u0301"):
        assert is_tag(tag) and to_spans([tag], LENIENT)[0].label == tag[2:]
