"""Batches of an encoded split equal those that the vocabulary encodes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.batches import Batch
from rnner.data.corpus import read_split
from rnner.data.encoded_split import EncodedSplit
from rnner.data.splits import Split
from rnner.data.vectors import Vectors
from rnner.data.vocabulary import Vocabulary
from rnner.model.tagger import Tagger
from tiny_corpus import tagger_of

TEXT = (
    "The O\nEU B-ORG\nrejects O\nGerman B-MISC\ncall O\n\nPeter B-PER\nBlackburn I-PER\n\n"
    "BRUSSELS B-LOC\n1996-08-22 O\n\nThe O\nThe O\nthe O\n\nEU B-ORG\n\n"
    f"see O\nhttp://{'x' * 150} O\n😀 O\n"
)


N_GRAMS = ["<ger", "man", "<bl", "ter>", "eje", "cts>", "ssels"]  # none of which "see" has


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    path: Path = tmp_path_factory.mktemp("encoded") / "train.conll"
    path.write_text(TEXT, encoding="utf-8")
    return read_split(path).convert("bioes")


def vocabulary_of(split: Split, vectors: Vectors | None = None) -> Vocabulary:
    """The split's vocabulary; with vectors, one that composes words without a row."""
    return Vocabulary.build(
        split.counts,
        labels=split.labels,
        scheme="bioes",
        min_count=1,
        vectors=vectors,
        n_grams=None if vectors is None else N_GRAMS,
    )


def at_each_word(batch: Batch[Any]) -> list[list[list[int]]]:
    """Return word id, casing and characters of each token, independent of the order of forms."""
    spelt = [row[row != 0].tolist() for row in batch.characters]
    return [
        [[int(batch.words[form]), int(batch.casing[form]), *spelt[form]] for form in row[:length].tolist()]
        for row, length in zip(batch.forms, batch.lengths.tolist(), strict=True)
    ]


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_a_batch_equals_that_of_the_vocabulary(split: Split, rows: list[int]) -> None:
    vocabulary = vocabulary_of(split)
    batch, plain = EncodedSplit(vocabulary, split).batch(rows), vocabulary.encode(*split.sentences(rows))
    assert at_each_word(batch) == at_each_word(plain)
    assert np.array_equal(batch.lengths, plain.lengths)
    assert batch.tags is not None and plain.tags is not None and np.array_equal(batch.tags, plain.tags)
    assert len(batch.words) == len(plain.words)


@pytest.fixture(scope="module")
def composing(split: Split) -> tuple[Tagger, Vocabulary]:
    """A tagger for words of which a few have a vector, and random rows for these and for n-grams."""
    vectors = Vectors(["the", "EU", "call"], np.zeros((3, 8), dtype=np.float32))
    tagger, vocabulary = tagger_of(vocabulary=vocabulary_of(split, vectors))
    assert tagger.words.vectors is not None
    tagger.words.vectors.normal_()
    return tagger, vocabulary


@torch.no_grad()
def features_at_each_word(tagger: Tagger, batch: Batch[torch.Tensor]) -> torch.Tensor:
    """Return the tagger's features of each word: [w, f]."""
    rows = zip(batch.forms, batch.lengths.tolist(), strict=True)
    return tagger.features(batch)[torch.cat([row[:length] for row, length in rows])]


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_composed_vectors_are_those_of_the_vocabulary(
    split: Split, composing: tuple[Tagger, Vocabulary], rows: list[int]
) -> None:
    tagger, vocabulary = composing
    batch, plain = EncodedSplit(vocabulary, split).batch(rows), vocabulary.encode(*split.sentences(rows))
    assert at_each_word(batch) == at_each_word(plain)
    assert batch.composition is not None and plain.composition is not None
    assert len(batch.composition.rows) == len(plain.composition.rows)
    found, expected = (features_at_each_word(tagger, each) for each in (batch.to("cpu"), plain.to("cpu")))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    words = [word for sentence in split.sentences(rows)[0] for word in sentence]
    composed = [vocabulary.features(word).composition is not None for word in words]
    assert found[:, :8].any(dim=1)[composed].all(), "what is composed has a vector"


def test_a_batch_without_composed_forms_has_an_empty_composition(
    split: Split, composing: tuple[Tagger, Vocabulary]
) -> None:
    tagger, vocabulary = composing
    batch = EncodedSplit(vocabulary, split).batch([3])  # The The the
    assert batch.composition is not None and batch.composition.rows.shape == (0,)
    moved = batch.to("cpu")
    assert torch.equal(tagger.features(moved)[:, :8], tagger.words(moved.words))
    assert EncodedSplit(vocabulary_of(split), split).batch([3]).composition is None


def test_padding_of_forms_is_a_valid_row(split: Split) -> None:
    batch = EncodedSplit(vocabulary_of(split), split).batch([0, 4])
    assert batch.forms[1, 1:].tolist() == [0] * 4
    arrays = {name: array for name, array in vars(batch).items() if array is not None}
    assert arrays.keys() == {"words", "casing", "characters", "forms", "lengths", "tags"}
    assert all(array.dtype == np.int64 for array in arrays.values())


def test_a_part_of_a_split_has_its_own_indices(split: Split) -> None:
    part, vocabulary = split.select(np.array([3, 1])), vocabulary_of(split)
    encoded = EncodedSplit(vocabulary, part)
    assert at_each_word(encoded.batch([1])) == at_each_word(vocabulary.encode(split.sentences([1])[0]))


def test_a_tag_that_the_vocabulary_lacks_is_named(split: Split) -> None:
    narrow = Vocabulary.build(split.counts, labels=["LOC"], scheme="bioes")
    with pytest.raises(ValueError, match="unknown tag 'S-ORG'"):
        EncodedSplit(narrow, split)


def test_casing_dropout_changes_the_case_of_sentences_and_keeps_tags(split: Split) -> None:
    vocabulary = vocabulary_of(split)
    encoded = EncodedSplit(vocabulary, split, casing_dropout=0.6)
    rows = [0, 1]
    words, tags = split.sentences(rows)
    changes = [str, str.lower, str.upper]
    readings = [
        at_each_word(vocabulary.encode([[change(word) for word in sentence] for change in changes]))
        for sentence in words
    ]
    plain = vocabulary.encode(words, tags).tags
    torch.manual_seed(1)
    seen = np.zeros((len(rows), len(changes)))
    for _ in range(200):
        batch = encoded.batch(rows)
        assert batch.tags is not None and np.array_equal(batch.tags, plain)
        for row, shown in enumerate(at_each_word(batch)):
            seen[row, readings[row].index(shown)] += 1
    assert np.abs(seen / 200 - [0.4, 0.4, 0.2]).max() < 0.12, "each sentence is drawn for itself"
