"""Invalid tags, the order of tags, their schemes and labels."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import found, kinds, rows

from rnner.workbench.check import labels as labels_module
from rnner.workbench.check.labels import are_similar, similar_pairs

IOB2 = rows("Ada|B-PER Lovelace|I-PER wrote\nBell|B-ORG Labs|I-ORG\nParis|B-LOC and|O Rome|B-LOC")


def test_all_invalid_tags_are_reported():
    places = [finding.partition(" is")[0] for finding in found(IOB2 + "\n\nAda PERSON\nit Q", kind="tag")]
    assert places == ["12:5 'PERSON'", "13:4 'Q'"]


def test_each_tag_in_another_spelling_is_reported_once():
    text = IOB2 + "\n\n" + rows("Ada|U-PER and|o Bell|U-PER wrote|o")
    assert found(text, kind="spelling") == [
        "12:5 'U-PER' is read as S-PER (2 rows)",
        "13:5 'o' is read as O (2 rows)",
    ]


def test_plain_labels_are_read_as_entities_with_a_warning():
    text = rows("Ada|PER Lovelace|PER wrote|0\nBell|ORG Labs|ORG and|0")
    assert kinds(text) == ["spelling"]
    assert found(text, kind="spelling")[0] == "1:5 'PER' is read as I-PER (2 rows)"


def test_all_illegal_transitions_are_reported_with_the_rule():
    text = IOB2 + "\n\n" + rows("it|O rained|I-LOC\nAda|B-PER Bell|I-ORG")
    first, second = found(text, kind="transition")
    assert first == "13:8 I-LOC after O: in IOB2, an entity starts with B-LOC"
    assert second == "16:6 I-ORG after B-PER: in IOB2, an entity starts with B-ORG"


def test_an_unfinished_entity_is_reported_at_its_last_word():
    text = rows("Ada|B-PER Lovelace|E-PER\nBell|S-ORG\nRome|S-LOC\nParis|B-LOC")
    assert [finding.split()[0] for finding in found(text, kind="transition")] == ["8:7"]


@pytest.mark.parametrize(
    "sentences",
    [
        "Ada|B-PER Lovelace|I-PER Bell|B-PER",
        "Ada|I-PER Lovelace|I-PER Bell|B-PER",
        "Ada|B-PER Lovelace|E-PER Bell|S-PER",
        "Ada|1 Lovelace|1 wrote|0",
    ],
)
def test_legal_tags_of_any_scheme_are_not_reported(sentences):
    assert kinds(rows(sentences)) == []


def test_the_order_of_tags_is_not_checked_around_an_invalid_row():
    text = IOB2 + "\n\nAda B-PER\nvan\nLovelace I-PER"
    assert kinds(text) == ["columns"]
    text = IOB2 + "\n\nAda PERSON\nLovelace I-PER"
    assert kinds(text) == ["tag"]


def test_a_file_with_two_schemes_is_reported():
    other = "\n".join(f"Mr|O Smith{number}|I-PER Jones|I-PER" for number in range(10))
    own = "\n".join(f"Ada|B-PER Byron{number}|I-PER Bell|B-PER" for number in range(20))
    text = rows(own + "\n" + other)
    (finding,) = found(text, kind="mixed-schemes")
    assert finding == "81:1 iob2, but 10 of the 10 sentences that violate it are iob1; this is the first"


def test_files_in_different_schemes_are_reported():
    bioes = rows("Ada|B-PER Lovelace|E-PER\nBell|S-PER")
    iob2 = rows("Ada|B-PER Lovelace|I-PER")
    assert found(iob2, bioes, kind="different-schemes") == ["None:None bioes, but my.conll is iob2"]
    assert found(iob2, iob2, kind="different-schemes") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PER", "PERS"),
        ("PER", "per"),
        ("PERSON", "PER"),
        ("creative-work", "creative_work"),
        ("LOC", "LOX"),
    ],
)
def test_labels_in_two_spellings_are_similar(one, other):
    assert are_similar(one, other)
    assert are_similar(other, one)


@pytest.mark.parametrize(("one", "other"), [("PER", "LOC"), ("art", "art-film"), ("CODE1", "CODE2")])
def test_other_labels_are_not_similar(one, other):
    assert not are_similar(one, other)


def test_similar_labels_are_reported_at_the_rarer_one():
    text = IOB2 + "\n\n" + rows("Ada|B-PER\nBell|B-PERS")
    assert found(text, kind="similar-labels") == ["14:6 'PERS' (1) and 'PER' (2)"]


def test_missing_labels_are_reported_both_ways():
    other = rows("Ada|B-PER wrote\nhere|B-FAC")
    assert found(IOB2, other, kind="missing-label") == [
        "4:6 'FAC' (1) is not in my.conll",
        "None:None no 'LOC', but my.conll has 2",
        "None:None no 'ORG', but my.conll has 1",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "it O\nrained O", "-DOCSTART- O"])
def test_a_file_without_entities_is_an_error(text):
    assert kinds(text) == ["no-entities"]


@settings(deadline=None)
@given(st.dictionaries(st.text("aAbB-1", min_size=1, max_size=6), st.integers(1, 9), max_size=18))
def test_similar_labels_are_found_without_comparing_all_pairs(counts):
    pairs = {pair for pair in combinations(sorted(counts), 2) if are_similar(*pair)}
    assert similar_pairs(counts) == pairs


@pytest.mark.parametrize("label", ["A" + "-" * 50 + "{:04}", "per{}", "L{}-", "{}"])
def test_the_comparisons_grow_with_the_number_of_labels(label, monkeypatch):
    """Not with its square: thirty times as many labels, about thirty times as many comparisons."""
    compared = Counter()

    def count(*pair):
        compared[len(counts)] += 1
        return are_similar(*pair)

    monkeypatch.setattr(labels_module, "are_similar", count)
    for number in (100, 3_000):
        counts = {label.format(chr(0x4E00 + i)): 1 for i in range(number)}
        similar_pairs(counts)
    assert compared[3_000] <= 50 * max(compared[100], 100)
