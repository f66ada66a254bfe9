"""The bags of documents' words: made once a document, and the same whichever way a batch is made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.conll import UNMARKED
from rnner.data.documents import Bags, bags_of, collate, separate
from rnner.data.encoded import EncodedSplit
from rnner.data.splits import Row, Split, build_table
from rnner.data.vocabulary import Vocabulary

SENTENCES = [["Ada", "met", "Bo"], ["Bo", "slept"], ["Ada", "ada"], ["Bo"]]
IDS = {"Ada": 2, "ada": 2, "Bo": 3, "met": 4}


def word_id(form: str) -> int:
    return IDS.get(form, 1)


def contents(bags: Bags) -> list[dict[int, float]]:
    """How often each word id stands in the document of each sentence."""
    documents: list[dict[int, float]] = [{} for _ in range(bags.number)]
    for document, word, count in zip(
        bags.documents.tolist(), bags.words.tolist(), bags.counts.tolist(), strict=True
    ):
        assert word not in documents[document], "a word stands once in a bag"
        documents[document][word] = count
    return [documents[document] for document in bags.of.tolist()]


def test_sentences_of_one_document_share_one_bag_of_all_its_words() -> None:
    bags = bags_of(SENTENCES, ["a", "a", "b", "a"], word_id)
    assert bags[0] is bags[1] is bags[3] and bags[2] is not bags[0]
    assert dict(zip(*map(np.ndarray.tolist, bags[0]), strict=True)) == {2: 1, 4: 1, 3: 3, 1: 1}
    assert bags[0].words.dtype == np.int64 and bags[0].counts.dtype == np.float32


def test_forms_with_one_id_are_one_word_of_the_bag() -> None:
    (bag,) = bags_of([["Ada", "ada", "unseen", "unknown"]], [0], word_id)
    assert sorted(zip(bag.words.tolist(), bag.counts.tolist(), strict=True)) == [(1, 2.0), (2, 2.0)]


def test_every_sentence_needs_a_document() -> None:
    with pytest.raises(ValueError, match="zip"):
        bags_of(SENTENCES, [0, 0, 1], word_id)


def test_unmarked_sentences_are_documents_of_their_own() -> None:
    numbers = separate([UNMARKED, UNMARKED, 0, 0, 7, UNMARKED])
    assert numbers.dtype == np.int64
    assert set(numbers.tolist()) == set(range(5))
    assert numbers[2] == numbers[3] and len(set(numbers[[0, 1, 2, 4, 5]].tolist())) == 5


def test_a_batch_holds_each_document_once() -> None:
    bags = collate(bags_of(SENTENCES, [5, 5, 0, 5], word_id))
    assert bags.number == 2 and bags.of.tolist() == [0, 0, 1, 0]
    assert len(bags.words) == 4 + 1 and bags.documents.tolist() == [0, 0, 0, 0, 1]
    assert contents(bags) == [{2: 1, 4: 1, 3: 3, 1: 1}] * 2 + [{2: 2}] + [{2: 1, 4: 1, 3: 3, 1: 1}]
    assert {bags.words.dtype, bags.documents.dtype, bags.of.dtype} == {torch.int64}
    assert bags.counts.dtype == torch.float32


def test_bags_go_to_a_device_as_they_are() -> None:
    bags = collate(bags_of(SENTENCES, [0, 0, 1, 1], word_id))
    moved = bags.to("meta")
    assert all(tensor.is_meta for tensor in (moved.words, moved.counts, moved.documents, moved.of))
    assert moved.number == bags.number and contents(bags.to("cpu")) == contents(bags)


# --- the batches of training are those of prediction -------------------------------------------------------


class Case(NamedTuple):
    sentences: list[list[str]]
    documents: list[int]  # as a file marks them: none before the first mark, then ascending
    chosen: list[int]  # the sentences that a split is left with
    batch: list[int]  # places among those


@st.composite
def cases(draw: st.DrawFn) -> Case:
    words = st.lists(
        st.sampled_from(["Ada", "ada", "ADA", "Oslo", "in", "1997", "2003"]), min_size=1, max_size=6
    )
    sentences = draw(st.lists(words, min_size=1, max_size=9))
    steps = draw(st.lists(st.integers(0, 1), min_size=len(sentences), max_size=len(sentences)))
    documents = (np.cumsum(steps) + UNMARKED).tolist()
    everything = range(len(sentences))
    chosen = draw(st.lists(st.sampled_from(everything), min_size=1, unique=True))
    batch = draw(st.lists(st.sampled_from(range(len(chosen))), min_size=1, max_size=8))
    return Case(sentences, documents, chosen, batch)


def split_of(case: Case) -> Split:
    rows = [
        Row(words, ["O"] * len(words), document, 1)
        for words, document in zip(case.sentences, case.documents, strict=True)
    ]
    return Split(build_table(rows), Path("train.conll"), "train", "bioes")


def brute_force(split: Split, vocabulary: Vocabulary, batch: list[int]) -> list[Counter[int]]:
    """The bag of each sentence of a batch, counted anew from the sentences of its document."""
    sentences, documents = split.sentences()[0], split.documents.tolist()
    return [
        Counter(
            vocabulary.word_id(word)
            for j, words in enumerate(sentences)
            if j == i or documents[i] == documents[j] != UNMARKED
            for word in words
        )
        for i in batch
    ]


@pytest.mark.parametrize("selected", [False, True])
@settings(deadline=None, max_examples=100)
@given(case=cases(), composes=st.booleans())
def test_a_split_brings_the_bags_that_its_sentences_make(selected: bool, case: Case, composes: bool) -> None:
    split = split_of(case)
    split = split.select(case.chosen) if selected else split
    vocabulary = Vocabulary.build(
        case.sentences, labels=[], scheme="bioes", tags=["O"], min_count=2, composes=composes
    )
    sentences, tags = split.sentences()
    bags = bags_of(sentences, separate(split.documents).tolist(), vocabulary.word_id)
    plain = vocabulary.encode(
        [sentences[i] for i in case.batch], [tags[i] for i in case.batch], [bags[i] for i in case.batch]
    ).bags
    quick = EncodedSplit(vocabulary, split, bags=True).batch(case.batch).bags
    assert plain is not None and quick is not None
    assert contents(plain) == contents(quick) == brute_force(split, vocabulary, case.batch)
    assert plain.number == quick.number
    assert torch.equal(plain.of[:, None] == plain.of, quick.of[:, None] == quick.of)
    assert quick.documents.tolist() == sorted(quick.documents.tolist())
    assert quick.counts.dtype == torch.float32
    assert {quick.words.dtype, quick.documents.dtype, quick.of.dtype} == {torch.int64}


def test_bags_come_only_when_asked_for() -> None:
    split = split_of(Case(SENTENCES, [0, 0, 1, 1], [], []))
    vocabulary = Vocabulary.build(SENTENCES, labels=[], scheme="bioes", tags=["O"])
    assert EncodedSplit(vocabulary, split).batch([0, 1]).bags is None
    assert vocabulary.encode(SENTENCES).bags is None
