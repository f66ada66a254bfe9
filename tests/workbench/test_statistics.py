"""Statistics of a corpus, counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner.data.splits import Split
from rnner.data.token_table import TableRow, build_table
from rnner.data.vectors import Vectors
from rnner.tags import from_spans, to_spans
from rnner.workbench.statistics import describe
from tiny_corpus import split_of

TRAIN = """
[PER May] met [PER Ada Lovelace] in May .
[LOC Paris] or [PER Paris] ?
It rained in May .
"""
DEV = """
[PER May] met [LOC Paris] .
[ORG Paris] slept .
[PER Ada] met Lovelace .
"""


def figures(*texts, **options):
    return [file.to_dict() for file in describe([split_of(text) for text in texts], **options)]


def test_sizes_and_types():
    (train,) = figures(TRAIN)
    assert (train["sentences"], train["tokens"], train["distinct_tokens"]) == (3, 16, 11)
    assert train["entities"] == 4
    assert list(train["per_type"].items()) == [("PER", 3), ("LOC", 1)]


def test_lengths():
    (train,) = figures(TRAIN)
    assert train["sentence_length"] == {"mean": 16 / 3, "median": 5.0, "longest": 7}
    assert train["entity_length"] == {"mean": 5 / 4, "median": 1.0, "longest": 2}


def test_density():
    (train,) = figures(TRAIN)
    assert train["density"] == {"tokens": 5 / 16, "sentences": 2 / 3}


def test_only_marked_documents_are_counted():
    marked = split_of(TRAIN, documents=[-1, 0, 1])
    assert [file.documents for file in describe([marked, split_of(TRAIN, documents=[-1] * 3)])] == [2, 0]


def test_a_form_is_ambiguous_with_two_labels_or_outside_entities():
    (train,) = figures(TRAIN)  # May is plain twice, Paris has two labels
    assert train["ambiguity"] == {"forms": 3, "several_labels": 1 / 3, "also_outside": 1 / 3, "either": 2 / 3}


def test_a_form_that_is_ambiguous_both_ways_counts_once():
    (only,) = figures("[PER May] or [LOC May] in May .")
    assert only["ambiguity"] == {"forms": 1, "several_labels": 1.0, "also_outside": 1.0, "either": 1.0}


@pytest.mark.parametrize(
    "text", ["[PER Ada Byron] saw Ada", "[PER Ada Byron] , [LOC Ada] Byron", "[PER Ada] ada"]
)
def test_partial_matches_and_other_case_do_not_make_a_form_ambiguous(text):
    assert figures(text)[0]["ambiguity"]["either"] == 0


def test_dev_is_compared_with_the_first_file():
    train, dev, again = figures(TRAIN, DEV, TRAIN)
    assert train["unseen"] is None
    # Only "slept" is new; Paris as ORG and Ada alone are.
    assert dev["unseen"] == {"tokens": 1 / 11, "distinct_tokens": 1 / 7, "entities": 2 / 4}
    assert again["unseen"] == {"tokens": 0, "distinct_tokens": 0, "entities": 0}


def test_vectors_cover_words_as_the_vocabulary_looks_them_up():
    known = Vectors(["may", "met", "in"], np.zeros((3, 2), dtype=np.float32))
    (train,) = figures(TRAIN, vectors=known)
    assert train["vectors"]["tokens"] == 6 / 16
    assert train["vectors"]["distinct_tokens"] == 3 / 11
    assert train["vectors"]["most_missed"][0] == {"token": ".", "count": 2}


def test_a_selection_of_a_split_is_described_alone():
    part = split_of(TRAIN.rstrip() + DEV).select([3, 4, 5])
    (found,) = describe([part])
    (expected,) = describe([split_of(DEV)])
    assert found.to_dict() | {"path": ""} == expected.to_dict() | {"path": ""}


def test_a_file_without_entities_has_statistics():
    (found,) = figures("It rained .")
    assert found["entities"] == 0
    assert found["per_type"] == {}
    assert found["entity_length"] == {"mean": 0, "median": 0, "longest": 0}
    assert found["ambiguity"]["either"] == found["density"]["tokens"] == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["O", "B-X", "B-Y", "I-X", "I-Y"])),
        min_size=1,
        max_size=9,
    )
)
def test_ambiguity_equals_a_search_of_every_place(sentence):
    words = [word for word, _ in sentence]
    spans = to_spans([tag for _, tag in sentence], "conlleval")
    tags = from_spans(spans, len(words), "iob2")
    (found,) = describe([Split(build_table([TableRow(words, tags, -1, 1)]), "x", "x", "iob2")])
    forms = {tuple(words[span.start : span.end]) for span in spans}
    plain = {
        form
        for form in forms
        for i in range(len(words) - len(form) + 1)
        if tuple(words[i : i + len(form)]) == form and set(tags[i : i + len(form)]) == {"O"}
    }
    assert (found.ambiguity.forms, found.ambiguity.also_outside) == (len(forms), len(plain))
