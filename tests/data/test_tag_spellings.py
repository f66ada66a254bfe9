"""Spellings of tags: each is read as the standard tags that it means, or refused."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.tag_spellings import spelling_of
from rnner.tags import LENIENT, UNKNOWN, is_tag, to_spans


def read(tags: str) -> str:
    """Return tags, separated by spaces, in the standard spelling; ? for those that cannot be read."""
    spelling = spelling_of(Counter(tags.split()))
    return " ".join(spelling.tags.get(tag, "?") for tag in tags.split())


@pytest.mark.parametrize(
    ("tags", "standard"),
    [
        ("B-PER I-PER O I-LOC", "B-PER I-PER O I-LOC"),
        ("B-PER M-PER E-PER O S-LOC", "B-PER I-PER E-PER O S-LOC"),
        ("B-PER I-PER L-PER O U-LOC", "B-PER I-PER E-PER O S-LOC"),
        ("B-PER M-PER E-PER O W-LOC", "B-PER I-PER E-PER O S-LOC"),
        ("B-PER E-PER O B-LOC", "B-PER I-PER O B-LOC"),  # LST20
        ("B-PER E-PER O B-LOC E-LOC", "B-PER E-PER O B-LOC E-LOC"),
        ("B_PER I_PER O", "B-PER I-PER O"),
        ("B:PER I:PER O", "B-PER I-PER O"),
        ("b-per i-per o", "B-per I-per O"),
        ("PER-B PER-I O LOC-S", "B-PER I-PER O S-LOC"),
        ("PER:B PER:I O", "B-PER I-PER O"),
        ("creative_work_B creative_work_I O", "B-creative_work I-creative_work O"),
        ("PER PER O LOC", "I-PER I-PER O I-LOC"),
        ("PER 0 LOC 0", "I-PER O I-LOC O"),
        ("creative-work O product", "I-creative-work O I-product"),
        ("B I O O", "B-NAME I-NAME O O"),
        ("B M E O S", "B-NAME I-NAME E-NAME O S-NAME"),
        ("1 0 0 1", "1 0 0 1"),
        ("0 0", "0 0"),
        ("B-PER 0 0", "B-PER O O"),
        ("B-PER _ - O", "B-PER O O O"),
        ("O 0", "O O"),
        ("PER _ LOC _", "I-PER O I-LOC O"),
        ("B-PER' O", "B-PER' O"),
        ("'B-PER' 'I-PER' 'O'", "B-PER I-PER O"),
    ],
)
def test_a_spelling_is_read_as_standard_tags(tags: str, standard: str) -> None:
    assert read(tags) == standard


@pytest.mark.parametrize(
    ("tags", "standard"),
    [
        ("S O PER", "I-S O I-PER"),
        ("B O ORG S", "I-B O I-ORG I-S"),
        ("B O", "I-B O"),
        ("X O PER", "I-X O I-PER"),
    ],
)
def test_a_letter_beside_labels_is_a_label(tags: str, standard: str) -> None:
    assert read(tags) == standard


@pytest.mark.parametrize(
    ("tags", "standard"),
    [
        ("B-PER I-PER X O", "B-PER I-PER ? O"),
        ("[CLS] B-PER O [SEP]", "? B-PER O ?"),
        ("B-PER I-PER PER O", "B-PER I-PER ? O"),
        ("PER PER PER B-LOC O", "I-PER I-PER I-PER ? O"),
        ("1 0 B-PER I-PER O", "? O B-PER I-PER O"),
        ("1 1 0 2", "1 1 0 ?"),
        ("B-PER B- O", "B-PER ? O"),
        ("B I B-PER I-PER B-LOC O", "? ? B-PER I-PER B-LOC O"),
        ("NN VB DT", "? ? ?"),
        ("X O", "? O"),
        ("0 0 1 2 3", "? ? ? ? ?"),
        ("O 1 O", "O ? O"),
    ],
)
def test_tags_that_contradict_the_spelling_of_the_file_are_not_read(tags: str, standard: str) -> None:
    assert read(tags) == standard


def test_spaces_around_tags_are_ignored() -> None:
    assert spelling_of({" B-PER": 1, "O ": 3}).tags == {" B-PER": "B-PER", "O ": "O"}


def test_notes_count_the_words_that_are_read_differently() -> None:
    counts = Counter(["PER", "PER", "LOC", "0", "0", "0", "0"])
    assert spelling_of(counts).notes(counts) == {
        "plain labels such as 'PER', read as scheme io (adjacent words with equal labels are one entity)": 3,
        "tags '0' read as O": 4,
    }
    counts = Counter(["B-PER", "L-PER", "L-PER", "O"])
    assert spelling_of(counts).notes(counts) == {
        "tags in another spelling, such as 'L-PER', read as 'E-PER'": 2
    }
    assert not spelling_of(Counter(["B-PER", "O"])).notes(Counter(["B-PER", "O"]))


def test_problems_name_the_tag_and_the_remedy() -> None:
    pieces = spelling_of(Counter(["B-PER", "X", "O"]))
    assert "data check FILE --fix OUT" in pieces.problem("X")
    numbers = spelling_of(Counter(["0", "0", "1", "1", "3"]))
    assert "--names 0=O,1=B-PER" in numbers.problem("3")
    assert "the other labels have no prefix" in spelling_of(Counter(["PER", "PER", "B-LOC", "O"])).problem(
        "B-LOC"
    )
    assert len(pieces.problem("x" * 1000)) < 300


LABELS = st.sampled_from(["PER", "LOC", "creative-work", "Ämter", "per"])
TAGS = st.lists(
    st.just("O") | st.builds(lambda prefix, label: f"{prefix}-{label}", st.sampled_from("BIES"), LABELS),
    min_size=1,
).filter(lambda tags: any(tag != "O" for tag in tags))
BIOES = TAGS.map(lambda tags: [*tags, "S-PER"])  # without S-, E- may be I-
LETTERS = {"B": "B", "I": "M", "E": "L", "S": "U"}
SPELLINGS = {
    "standard": lambda prefix, label: f"{prefix}-{label}",
    "underscore": lambda prefix, label: f"{prefix}_{label}",
    "colon": lambda prefix, label: f"{prefix}:{label}",
    "lower case": lambda prefix, label: f"{prefix.lower()}-{label}",
    "other letters": lambda prefix, label: f"{LETTERS[prefix]}-{label}",
    "suffix": lambda prefix, label: f"{label}-{prefix}",
}


@pytest.mark.parametrize("name", SPELLINGS)
@settings(max_examples=30)
@given(tags=BIOES, outside=st.sampled_from("Oo0_-"))
def test_every_spelling_holds_the_same_entities(name: str, tags: list[str], outside: str) -> None:
    written = [outside if tag == "O" else SPELLINGS[name](tag[0], tag[2:]) for tag in tags]
    spelling = spelling_of(Counter(written))
    assert [spelling.tags[tag] for tag in written] == tags


@settings(max_examples=40)
@given(TAGS)
def test_plain_labels_hold_the_same_words(tags: list[str]) -> None:
    written = [tag if tag == "O" else tag[2:] for tag in [*tags, "O"]]
    spelling = spelling_of(Counter(written))
    spans = to_spans([spelling.tags[tag] for tag in written], LENIENT)
    inside = [(position, span.label) for span in spans for position in range(span.start, span.end)]
    assert inside == [(position, tag) for position, tag in enumerate(written) if tag != "O"]


@given(st.dictionaries(st.text(max_size=4), st.integers(1, 5), max_size=8))
def test_every_tag_is_read_as_a_valid_tag_or_named_as_unreadable(counts: dict[str, int]) -> None:
    spelling = spelling_of(counts)
    assert spelling.tags.keys() | spelling.unreadable == counts.keys()
    assert all(is_tag(tag) or tag == UNKNOWN for tag in spelling.tags.values())
    assert spelling.notes(counts).total() == sum(counts[tag] for tag in spelling.changed)
    assert all(map(spelling.problem, spelling.unreadable))


def test_letters_that_only_lower_case_makes_alike_are_not_prefixes() -> None:
    # In Unicode, İ and ı are cases of i, and ſ is one of s.
    assert spelling_of({"İ-PER": 1, "ı-PER": 1, "ſ-PER": 1, "O": 1, "b-PER": 4}).unreadable == {
        "İ-PER",
        "ı-PER",
        "ſ-PER",
    }


@pytest.mark.parametrize(
    ("tags", "mark", "standard"),
    [
        ("B-PER ? O B-?", "?", "B-PER ? O B-?"),
        ("? ? ? B-PER", "?", "? ? ? B-PER"),
        ("PER-B ?-B ? O", "?", "B-PER B-? ? O"),
        ("PER O ? O", "?", "I-PER O ? O"),
        ("1 0 ?", "?", "1 0 ?"),
        ("0 ? 0", "?", "0 ? 0"),
        ("B I ? O", "?", "B-NAME I-NAME ? O"),
        ("B-PER - O U--", "-", "B-PER ? O S-?"),
        ("B-PER NA O I-NA _", "NA", "B-PER ? O I-? O"),
    ],
)
def test_unknown_tags_have_a_mark(tags: str, mark: str, standard: str) -> None:
    counts = Counter(tags.split())
    spelling = spelling_of(counts, mark)
    assert " ".join(spelling.tags[tag] for tag in tags.split()) == standard
    number = sum(tag == "?" or tag.endswith("-?") for tag in standard.split())
    assert spelling.notes(counts)["words with unknown tags or labels"] == number
