"""Detection of schemes."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner.data.scheme_detector import SchemeDetector, SchemeError
from rnner.tags import SCHEMES, Span, TagError, tag_inventory, to_spans

# Maria Skłodowska Curie left Fiat Ford for Paris: four entities, two adjacent ones of one label.
SENTENCE_SPANS = [Span(0, 3, "PER"), Span(4, 5, "ORG"), Span(5, 6, "ORG"), Span(7, 8, "LOC")]
SENTENCE_TAGS = {
    "iob1": "I-PER I-PER I-PER O I-ORG B-ORG O I-LOC",
    "iob2": "B-PER I-PER I-PER O B-ORG B-ORG O B-LOC",
    "bioes": "B-PER I-PER E-PER O S-ORG S-ORG O S-LOC",
    "binary": "1 1 1 0 1 1 0 1",
}


def detect_scheme(sentences: list[list[str]]) -> str:
    detector = SchemeDetector()
    for tags in sentences:
        detector.add(tags)
    return detector.detect()


def legal(tags: tuple[str, ...], scheme: str) -> bool:
    try:
        to_spans(tags, scheme)
    except TagError:
        return False
    return True


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_scheme_of_a_sentence_is_detected(scheme: str) -> None:
    assert detect_scheme([["O"] if scheme != "binary" else ["0"], SENTENCE_TAGS[scheme].split()]) == scheme


def test_tags_that_fit_several_schemes_count_as_iob2() -> None:
    assert detect_scheme([["O", "O"], ["O"]]) == "iob2"
    assert detect_scheme([]) == "iob2"


def test_every_legal_corpus_is_detected_as_a_scheme_that_gives_its_spans() -> None:
    for scheme in ("iob1", "iob2", "bioes"):
        for path in product(tag_inventory(["PER", "LOC"], scheme), repeat=3):
            if legal(path, scheme):
                assert to_spans(path, detect_scheme([path])) == to_spans(path, scheme)


def test_mixed_schemes_are_reported_with_the_first_violation_of_two_schemes() -> None:
    sentences = [["B-PER", "O"], ["O", "B-LOC", "I-LOC"], ["O", "I-PER", "O"], ["B-PER", "I-ORG"]]
    with pytest.raises(SchemeError) as caught:
        detect_scheme(sentences)
    error = caught.value
    assert (error.scheme, error.sentence, error.position) == ("iob2", 2, 1)
    assert error.violations["iob2"].times == 2
    assert error.violations["iob1"].times == 3
    assert str(error) == (
        "I-PER after O: in IOB2, an entity starts with B-PER (2 places); the tags are not IOB1 either: B-PER "
        "at the start of a sentence: in IOB1, B- only separates adjacent entities of the same label; "
        "expected I-PER (3 places, the first in sentence 1, word 1)"
    )


def test_an_unfinished_bioes_entity_is_reported_at_the_last_word() -> None:
    detector = SchemeDetector()
    detector.add(["S-PER", "O"])
    detector.add(["O", "O", "B-PER"])
    violation = detector.first_violation("bioes")
    assert violation is not None
    assert (violation.sentence, violation.position, violation.times) == (1, 2, 1)
    assert detector.tags == {"S-PER", "B-PER", "O"}


def test_violating_pairs_come_with_their_reasons() -> None:
    detector = SchemeDetector()
    detector.add(["B-PER", "O", "I-PER"])
    assert list(detector.violations("iob2")) == [("O", "I-PER")]
    assert "B-PER" in detector.violations("iob2")["O", "I-PER"]
    assert ("B-PER", "O") in detector.violations("bioes")
    assert detector.violations("conlleval") == {}


@given(st.lists(st.lists(st.sampled_from(["O", "o", "PER", "I-PER"]), min_size=1), min_size=1))
def test_renamed_tags_are_as_if_they_had_been_added(sentences: list[list[str]]) -> None:
    names = {"O": "O", "o": "O", "PER": "B-PER", "I-PER": "I-PER"}
    renamed, direct = SchemeDetector(), SchemeDetector()
    for tags in sentences:
        renamed.add(tags)
        direct.add([names[tag] for tag in tags])
    first = next((i, tags.index("o")) for i, tags in enumerate([*sentences, ["o"]]) if "o" in tags)
    assert "o" not in renamed.tags or renamed.first_place({"o"}) == first
    renamed.rename(names)
    assert renamed.tags == direct.tags
    assert all(renamed.first_violation(scheme) == direct.first_violation(scheme) for scheme in SCHEMES)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("B-PER ? O", "iob2"),
        ("? I-PER O", "iob2"),
        ("O I-PER ?", "iob1"),
        ("? E-PER", "bioes"),
        ("B-? E-? O", "bioes"),
        ("B-PER I-? O", "iob2"),
        ("? ? O", "iob2"),
        ("1 ? 0", "binary"),
    ],
)
def test_unknown_tags_fit_every_scheme(tags: str, scheme: str) -> None:
    assert detect_scheme([tags.split()]) == scheme


def test_unknown_tags_hide_no_violation() -> None:
    with pytest.raises(SchemeError, match="not a valid IOB2 tag"):
        detect_scheme([["?", "B-PER", "O", "S-PER"]])
