"""Words that have one label nearly everywhere, and another in a few places."""

import pytest
from samples import found, rows

from rnner.workbench.check.consistency import wilson


def places(form, label, times):
    words = form.split()
    tags = [label and f"{'I' if position else 'B'}-{label}" for position in range(len(words))]
    entity = " ".join(f"{word}|{tag or 'O'}" for word, tag in zip(words, tags, strict=True))
    return "".join(f"it is {entity} .\n" for _ in range(times))


def test_an_unusual_label_is_reported_at_its_place():
    text = places("Miami", "LOC", 12) + places("Miami", "ORG", 1)
    assert found(rows(text), kind="inconsistent") == ["63:1 'Miami' is 'ORG' here, 'LOC' in 12 of 13 places"]


def test_a_missed_entity_is_reported():
    text = places("New York", "LOC", 12) + places("New York", "", 1)
    assert found(rows(text), kind="inconsistent") == [
        "75:1 'New York' is no entity here, 'LOC' in 12 of 13 places"
    ]


def test_a_word_that_is_rarely_an_entity_is_reported():
    text = places("today", "", 12) + places("today", "PER", 1)
    assert found(rows(text), kind="inconsistent") == [
        "63:1 'today' is 'PER' here, no entity in 12 of 13 places"
    ]


def test_words_within_a_longer_entity_do_not_count():
    text = places("York", "LOC", 12) + places("New York Times", "ORG", 3)
    assert found(rows(text), kind="inconsistent") == []


@pytest.mark.parametrize("times", [1, 5, 6])
def test_few_places_are_not_enough(times):
    assert found(rows(places("Miami", "LOC", times) + places("Miami", "ORG", 1)), kind="inconsistent") == []


def test_common_ambiguity_is_not_reported():
    text = places("Washington", "LOC", 60) + places("Washington", "PER", 20)
    assert found(rows(text), kind="inconsistent") == []


def test_the_most_likely_mistakes_of_all_files_come_first():
    train = places("Oslo", "LOC", 20) + places("Miami", "LOC", 60) + places("Miami", "ORG", 1)
    test = places("Oslo", "PER", 1)
    findings = found(rows(train), rows(test), kind="inconsistent")
    assert [finding.split()[1] for finding in findings] == ["'Miami'", "'Oslo'"]


def test_wilson_interval():
    # From the tables of Newcombe (1998): 81 of 263, and 1 of 29.
    assert wilson(81, 263) == pytest.approx(0.2553, abs=1e-4)
    assert wilson(1, 29) == pytest.approx(0.0061, abs=1e-4)
    assert wilson(0, 20) == pytest.approx(0, abs=1e-12)
