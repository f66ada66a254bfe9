"""The held-out part has entities, and train keeps every label, whenever both are possible."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.held_out import hold_out
from rnner.data.splits import Split
from rnner.data.token_table import TableRow, build_table


def split_of(labels, documents=None):
    """Return a split whose sentence i is the word i and an entity of each of `labels[i]`."""
    rows = [
        TableRow([str(i), *own], ["O", *(f"S-{label}" for label in own)], document, i + 1)
        for i, (own, document) in enumerate(zip(labels, documents or [0] * len(labels), strict=True))
    ]
    return Split(build_table(rows), Path("train.conll"), "train", "bioes")


def numbers(split):
    return [int(words[0]) for words in split.sentences()[0]]


def held(labels, seed=1, documents=None):
    """Return the numbers of the sentences held out."""
    return numbers(hold_out(split_of(labels, documents), seed=seed)[1])


@pytest.mark.parametrize("seed", range(20))
def test_four_sentences_with_names_among_forty_are_divided(seed):
    kept, dev, _ = hold_out(split_of([["PER"]] * 4 + [[]] * 36), seed=seed)
    assert (len(kept), len(dev)) == (36, 4)
    assert kept.labels == dev.labels == ["PER"]


@pytest.mark.parametrize("seed", range(20))
def test_a_rare_label_stays_in_train(seed):
    kept, dev, _ = hold_out(split_of([["PER"]] * 50 + [["WORK"], ["LOC", "EVENT"], ["LOC"]]), seed=seed)
    assert kept.labels == ["EVENT", "LOC", "PER", "WORK"]
    assert "PER" in dev.labels


def test_a_draw_with_entities_and_all_labels_depends_only_on_the_seed():
    labels = [["PER", "LOC"] if i % 2 else [] for i in range(95)]
    for seed in range(20):
        assert held(labels, seed) == sorted(np.random.default_rng(seed).permutation(95)[:10])
        assert held(labels, seed) == held(labels, seed)
    assert held(labels, 1) != held(labels, 2)


@pytest.mark.parametrize("seed", range(10))
def test_documents_with_names_are_divided(seed):
    documents = [i // 3 for i in range(90)]
    labels = [["PER"] if document in (4, 20) else [] for document in documents]
    kept, dev, note = hold_out(split_of(labels, documents), seed=seed)
    assert kept.labels == dev.labels == ["PER"]
    assert not set(kept.documents.tolist()) & set(dev.documents.tolist())
    assert note.endswith("whole documents)")


@pytest.mark.parametrize("seed", range(10))
def test_sentences_are_held_out_if_only_one_document_has_names(seed):
    documents = [i // 3 for i in range(90)]
    kept, dev, note = hold_out(split_of([["PER"]] * 3 + [[]] * 87, documents), seed=seed)
    assert kept.labels == dev.labels == ["PER"]
    assert note.endswith(f"(seed {seed})")


@pytest.mark.parametrize("seed", range(10))
def test_the_sentence_whose_labels_train_has_too_is_held_out(seed):
    assert held([["PER", "LOC"], ["PER"]], seed) == [1]


@pytest.mark.parametrize("seed", range(10))
def test_one_of_two_sentences_is_held_out_even_if_train_loses_its_label(seed):
    kept, dev, _ = hold_out(split_of([["PER"], ["LOC"]]), seed=seed)
    assert {*kept.labels, *dev.labels} == {"LOC", "PER"} and len(kept) == len(dev) == 1


corpora = st.lists(st.lists(st.sampled_from("ABC"), max_size=2), min_size=2, max_size=40)


@settings(max_examples=60)
@given(corpora.filter(any), st.integers(0, 5), st.sampled_from([1, 2, 40]))
def test_what_holds_for_any_corpus(labels, seed, size):
    documents = [i // size for i in range(len(labels))]
    split = split_of(labels, documents)
    kept, dev, _ = hold_out(split, seed=seed)
    assert sorted(numbers(kept) + numbers(dev)) == list(range(len(labels)))
    assert kept.labels and len(dev)
    assert (dev.labels == []) == (sum(map(bool, labels)) < 2)
    repeated = {label for label in "ABC" if sum(label in own for own in labels) > 1}
    assert repeated <= set(kept.labels)
