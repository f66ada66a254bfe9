"""Bags of words of documents: one per document, and the same from sentences and from an encoded split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.bags import bags_of_words, collate_bags, number_documents
from rnner.data.batches import DocumentBags, to_device
from rnner.data.encoded_split import EncodedSplit
from rnner.data.splits import Split
from rnner.data.subwords import WeightedRows
from rnner.data.token_table import NO_DOCUMENT, TableRow, build_table
from rnner.data.vocabulary import Vocabulary
from tiny_corpus import tagger_that_composes, vocabulary_of

SENTENCES = [["Ada", "met", "Bo"], ["Bo", "slept"], ["Ada", "ada"], ["Bo"]]
IDS = {"Ada": 2, "ada": 2, "Bo": 3, "met": 4}
COMPOSED = {
    "Ada-Bo": WeightedRows(np.array([2, 3]), np.array([0.5, 0.5], dtype=np.float32)),
    "Adabo": WeightedRows(np.array([7, 8, 9]), np.array([0.25, 0.25, 1], dtype=np.float32)),
}


def row(form: str) -> tuple[int, WeightedRows | None]:
    pieces = COMPOSED.get(form)
    return (IDS.get(form, 1) if pieces is None else 0), pieces


class Entry(NamedTuple):
    """A form in a bag."""

    word: int
    count: float
    made_of: tuple[tuple[int, float], ...] = ()  # rows and their weights


def entry(word: int, count: float, pieces: WeightedRows | None) -> Entry:
    if pieces is None:
        return Entry(word, count)
    return Entry(word, count, tuple(zip(pieces.rows.tolist(), pieces.weights.tolist(), strict=True)))


def contents(bags: DocumentBags[Any]) -> list[Counter[Entry]]:
    """Return the entries of each sentence's document; forms with the same row and count are counted."""
    made_of: list[list[tuple[int, float]]] = [[] for _ in bags.words]
    made = bags.composition
    for place, piece, weight in zip(
        made.forms.tolist(), made.rows.tolist(), made.weights.tolist(), strict=True
    ):
        made_of[place].append((piece, weight))
    documents: list[Counter[Entry]] = [Counter() for _ in range(bags.number_documents)]
    for document, word, count, parts in zip(
        bags.documents.tolist(), bags.words.tolist(), bags.counts.tolist(), made_of, strict=True
    ):
        documents[document][Entry(word, count, tuple(parts))] += 1
    return [documents[document] for document in bags.document_of.tolist()]


def test_sentences_of_one_document_share_one_bag_of_all_its_words() -> None:
    bags = bags_of_words(SENTENCES, ["a", "a", "b", "a"], row)
    assert bags[0] is bags[1] is bags[3] and bags[2] is not bags[0]
    assert sorted(zip(*bags[0], strict=True)) == [(2, 1, None), (3, 3, None), (4, 1, None)]
    assert bags[0].words.dtype == np.int64 and bags[0].counts.dtype == np.float32


def test_forms_with_the_same_row_are_separate_entries() -> None:
    (bag,) = bags_of_words([["Ada", "ada", "Ada", "met"]], [0], row)
    assert sorted(zip(*bag, strict=True)) == [(2, 1, None), (2, 2, None), (4, 1, None)]


def test_unknown_words_are_left_out() -> None:
    known, unknown = bags_of_words([["Ada", "unseen", "unknown", "unseen"], ["unseen"]], [0, 1], row)
    assert known.words.tolist() == [2] and known.counts.tolist() == [1] and known.compositions == [None]
    assert [len(part) for part in unknown] == [0, 0, 0]
    assert unknown.words.dtype == np.int64 and unknown.counts.dtype == np.float32


def test_composed_words_have_no_row_but_a_composition() -> None:
    (bag,) = bags_of_words([["Adabo", "Bo", "Ada-Bo", "Adabo"]], [0], row)
    found = sorted(zip(*bag, strict=True))  # no two of one row and count: pieces are never compared
    assert found == [(0, 1, COMPOSED["Ada-Bo"]), (0, 2, COMPOSED["Adabo"]), (3, 1, None)]


def test_every_sentence_needs_a_document() -> None:
    with pytest.raises(ValueError, match="zip"):
        bags_of_words(SENTENCES, [0, 0, 1], row)


def test_unmarked_sentences_are_documents_of_their_own() -> None:
    numbers = number_documents([NO_DOCUMENT, NO_DOCUMENT, 0, 0, 7, NO_DOCUMENT])
    assert numbers.dtype == np.int64
    assert set(numbers.tolist()) == set(range(5))
    assert numbers[2] == numbers[3] and len(set(numbers[[0, 1, 2, 4, 5]].tolist())) == 5


def test_a_batch_holds_each_document_once() -> None:
    bags = collate_bags(bags_of_words(SENTENCES, [5, 5, 0, 5], row))
    assert bags.number_documents == 2 and bags.document_of.tolist() == [0, 0, 1, 0]
    assert len(bags.words) == 3 + 2 and bags.documents.tolist() == [0, 0, 0, 1, 1]
    first, second = Counter([Entry(2, 1), Entry(3, 3), Entry(4, 1)]), Counter({Entry(2, 1): 2})
    assert contents(bags) == [first, first, second, first]
    assert_types(bags)


def test_a_batch_holds_the_compositions_of_each_document() -> None:
    sentences = [["Bo", "Adabo"], ["unseen"], ["Adabo", "Adabo", "Ada-Bo", "Bo"]]
    bags = collate_bags(bags_of_words(sentences, [0, 1, 2], row))
    assert contents(bags) == [
        Counter([Entry(3, 1), entry(0, 1, COMPOSED["Adabo"])]),
        Counter(),
        Counter([Entry(3, 1), entry(0, 2, COMPOSED["Adabo"]), entry(0, 1, COMPOSED["Ada-Bo"])]),
    ]
    assert_types(bags)


def test_documents_without_known_words_are_kept() -> None:
    bags = collate_bags(bags_of_words([["unseen"], ["unknown"], ["unseen"]], [0, 1, 0], row))
    assert bags.number_documents == 2 and bags.document_of.tolist() == [0, 1, 0]
    assert [len(part) for part in (bags.words, bags.counts, bags.documents, bags.composition.rows)] == [0] * 4
    assert_types(bags)


def assert_types(bags: DocumentBags[Any]) -> None:
    made_of = bags.composition
    ids = (bags.words, bags.documents, bags.document_of, made_of.rows, made_of.forms)
    assert {array.dtype for array in ids} == {np.dtype(np.int64)}
    assert bags.counts.dtype == made_of.weights.dtype == np.float32


def test_bags_move_to_a_device() -> None:
    bags = collate_bags(bags_of_words([*SENTENCES, ["Adabo"]], [0, 0, 1, 1, 1], row))
    moved = to_device(bags, "meta")
    tensors = [
        moved.words,
        moved.counts,
        moved.documents,
        moved.document_of,
        *vars(moved.composition).values(),
    ]
    assert len(tensors) == 7 and all(tensor.is_meta for tensor in tensors)
    assert moved.number_documents == bags.number_documents and contents(to_device(bags, "cpu")) == contents(
        bags
    )


# --- the batches of training are those of prediction -------------------------------------------------------


class Case(NamedTuple):
    sentences: list[list[str]]
    documents: list[int]  # as a file marks them: none before the first mark, then ascending
    chosen: list[int]  # the sentences that a split is left with
    batch: list[int]  # places among those


# Some with a row, in several spellings, some composed (of parts, of n-grams), some unknown.
WORDS = [
    "London",
    "london",
    "LONDON",
    "Neville",
    "NEVILLE",
    "London-bank",
    "Hagrid",
    "in",
    "1997",
    "3rd",
    "?",
]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)
    sentences = draw(st.lists(words, min_size=1, max_size=9))
    steps = draw(st.lists(st.integers(0, 1), min_size=len(sentences), max_size=len(sentences)))
    documents = (np.cumsum(steps) + NO_DOCUMENT).tolist()
    everything = range(len(sentences))
    chosen = draw(st.lists(st.sampled_from(everything), min_size=1, unique=True))
    batch = draw(st.lists(st.sampled_from(range(len(chosen))), min_size=1, max_size=8))
    return Case(sentences, documents, chosen, batch)


@pytest.fixture(scope="module")
def vocabularies() -> list[Vocabulary]:
    """A vocabulary without composition and one with composition."""
    return [vocabulary_of(), tagger_that_composes()[1]]


def test_row_returns_the_id_and_composition_of_a_form(vocabularies: list[Vocabulary]) -> None:
    for vocabulary in vocabularies:
        for form in WORDS:
            known = vocabulary.features(form)
            assert vocabulary.row(form) == (known.word, known.composition)
    plain, composing = vocabularies
    assert plain.row("London-bank") == plain.row("?") == composing.row("?") == (1, None)
    assert composing.row("London") == (composing.word_id("London"), None)
    word, pieces = composing.row("London-bank")
    assert word == 0 and pieces is not None
    assert pieces.rows.tolist() == [composing.word_id("london"), composing.word_id("bank")]


def split_of(case: Case) -> Split:
    rows = [
        TableRow(words, ["O"] * len(words), document, 1)
        for words, document in zip(case.sentences, case.documents, strict=True)
    ]
    return Split(build_table(rows), Path("train.conll"), "train", "bioes")


def brute_force(split: Split, vocabulary: Vocabulary, batch: list[int]) -> list[Counter[Entry]]:
    """Count the bag of each sentence of a batch from the sentences of its document."""
    sentences, documents = split.sentences()[0], split.documents.tolist()
    bags = []
    for i in batch:
        forms = Counter(
            word
            for j, words in enumerate(sentences)
            if j == i or documents[i] == documents[j] != NO_DOCUMENT
            for word in words
        )
        known = {form: vocabulary.features(form) for form in forms}
        bags.append(
            Counter(entry(at.word, forms[form], at.composition) for form, at in known.items() if at.word != 1)
        )
    return bags


@pytest.mark.parametrize("selected", [False, True])
@settings(deadline=None, max_examples=100)
@given(case=cases(), composes=st.booleans())
def test_a_split_gives_the_same_bags_as_its_sentences(
    vocabularies: list[Vocabulary], selected: bool, case: Case, composes: bool
) -> None:
    vocabulary, split = vocabularies[composes], split_of(case)
    split = split.select(case.chosen) if selected else split
    sentences, tags = split.sentences()
    bags = bags_of_words(sentences, number_documents(split.documents).tolist(), vocabulary.row)
    plain = vocabulary.encode(
        [sentences[i] for i in case.batch], [tags[i] for i in case.batch], [bags[i] for i in case.batch]
    ).bags
    quick = EncodedSplit(vocabulary, split, bags=True).batch(case.batch).bags
    assert plain is not None and quick is not None
    assert contents(plain) == contents(quick) == brute_force(split, vocabulary, case.batch)
    assert plain.number_documents == quick.number_documents
    assert np.array_equal(
        plain.document_of[:, None] == plain.document_of, quick.document_of[:, None] == quick.document_of
    )
    for each in (plain, quick):
        assert each.documents.tolist() == sorted(each.documents.tolist())
        assert_types(each)


def test_document_dropout_leaves_a_sentence_only_its_own_words(
    vocabularies: list[Vocabulary],
) -> None:
    sentences = [["London", "in", "London-bank"], ["Neville", "?"], ["London", "in"], ["in", "Hagrid", "in"]]
    split, vocabulary = split_of(Case(sentences, [0, 0, 0, 0], [], [])), vocabularies[True]
    everything = range(len(sentences))
    own, whole = (
        contents(collate_bags(bags_of_words(sentences, documents, vocabulary.row)))
        for documents in (everything, [0] * 4)
    )
    torch.manual_seed(1)
    encoded = EncodedSplit(vocabulary, split, bags=True, document_dropout=0.5)
    seen = set()
    for _ in range(20):
        bags = encoded.batch(list(everything)).bags
        assert bags is not None
        for i, found in enumerate(contents(bags)):
            assert found in (own[i], whole[i]) and own[i] != whole[i]
            seen.add((i, found == own[i]))
    assert len(seen) == 8, "each is sometimes alone and sometimes not"


def test_bags_are_optional() -> None:
    split = split_of(Case(SENTENCES, [0, 0, 1, 1], [], []))
    vocabulary = Vocabulary.build(split.counts, labels=[], scheme="bioes")
    assert EncodedSplit(vocabulary, split).batch([0, 1]).bags is None
    assert vocabulary.encode(SENTENCES).bags is None
