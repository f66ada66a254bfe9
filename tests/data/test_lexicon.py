"""The lexicon, and that its features in training leave out the word's own document."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.encoded_split import EncodedSplit
from rnner.data.lexicon import HeldOutLexicon, Lexicon, features_of
from rnner.data.splits import Split
from rnner.data.token_table import NO_DOCUMENT, TableRow, build_table, word_blocks
from rnner.data.vocabulary import Vocabulary
from rnner.tags import label_of

LABELS = ["LOC", "PER"]
COLUMN = {None: 0, "LOC": 1, "PER": 2}
Sentence = list[tuple[str, str]]


def split_of(sentences: list[Sentence], documents: list[int], scheme: str = "bioes") -> Split:
    rows = [
        TableRow([word for word, _ in sentence], [tag for _, tag in sentence], document, 1)
        for sentence, document in zip(sentences, documents, strict=True)
    ]
    return Split(build_table(rows), Path("train.conll"), "train", scheme)


def counted(sentences: list[Sentence], word: str) -> list[int]:
    """Count a word, in any case, outside names, in LOC and in PER."""
    row = [0, 0, 0]
    for sentence in sentences:
        for form, tag in sentence:
            row[COLUMN[label_of(tag)]] += form.lower() == word.lower()
    return row


PARIS: list[Sentence] = [
    [("Paris", "S-LOC"), ("slept", "O")],
    [("Paris", "B-PER"), ("Hilton", "E-PER"), ("left", "O"), ("PARIS", "S-LOC")],
    [("paris", "O"), ("green", "O")],
]

words = st.tuples(
    st.sampled_from(["ada", "Ada", "ADA", "Oslo", "bank", "Straße", "STRASSE"]),
    st.sampled_from(["O", "O", "S-PER", "B-PER", "E-LOC", "S-LOC"]),
)
texts = st.lists(st.lists(words, min_size=1, max_size=5), min_size=1, max_size=8)
steps = st.lists(st.integers(0, 1), min_size=8, max_size=8)


def documents_of(steps: list[int], sentences: int) -> list[int]:
    """Document numbers as read from a file: unmarked before the first mark, then ascending."""
    return [int(number) for number in (np.cumsum(steps) + NO_DOCUMENT)[:sentences]]


def test_words_are_counted_by_label_ignoring_case() -> None:
    lexicon = Lexicon.learn(split_of(PARIS, [0, 0, 1]), LABELS)
    assert lexicon.labels == LABELS and lexicon.size == 4
    assert lexicon.counts == {
        "paris": [1, 2, 1],
        "slept": [1, 0, 0],
        "hilton": [0, 0, 1],
        "left": [1, 0, 0],
        "green": [1, 0, 0],
    }


@settings(deadline=None, max_examples=60)
@given(sentences=texts, chosen=st.data())
def test_counts_equal_those_of_a_simple_loop(sentences: list[Sentence], chosen: st.DataObject) -> None:
    places = chosen.draw(st.lists(st.sampled_from(range(len(sentences))), min_size=1, unique=True))
    lexicon = Lexicon.learn(split_of(sentences, [0] * len(sentences)).select(places), LABELS)
    own = [sentences[i] for i in places]
    forms = {form.lower() for sentence in own for form, _ in sentence}
    assert lexicon.counts == {form: counted(own, form) for form in forms}


def test_labels_of_the_model_that_a_split_lacks_have_a_column_of_zeros() -> None:
    lexicon = Lexicon.learn(split_of(PARIS, [0, 0, 1]), ["EVENT", *LABELS])
    assert lexicon.size == 5 and lexicon.counts["paris"] == [1, 0, 2, 1]


def test_names_alone_are_one_label() -> None:
    split = split_of([[("Ada", "1"), ("slept", "0")]], [0], scheme="binary")
    assert Lexicon.learn(split, ["NAME"]).counts == {"ada": [0, 1], "slept": [1, 0]}


# --- features ----------------------------------------------------------------------------------------------


def test_features_are_smoothed_shares_and_the_log_count() -> None:
    found = features_of(np.array([[1, 2, 0], [0, 0, 0], [0, 0, 40]]))
    expected = [
        [1 / 3.5, 2 / 3.5, 0, np.log(4) / 3],
        [0, 0, 0, 0],
        [0, 0, 40 / 40.5, np.log(41) / 3],
    ]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_features_ignore_case_and_are_zero_for_unseen_words() -> None:
    lexicon = Lexicon.learn(split_of(PARIS, [0, 0, 1]), LABELS)
    expected = features_of(np.array([1, 2, 1]))
    found = lexicon.features(["Paris", "Lyon", "PARIS", "paris"])
    assert found.dtype == np.float32
    assert np.array_equal(found, [expected, [0, 0, 0, 0], expected, expected])


def test_an_empty_lexicon_knows_nothing() -> None:
    assert Lexicon({}, LABELS).features(["Paris"]).tolist() == [[0, 0, 0, 0]]


def test_merging_adds_the_counts_and_changes_neither_lexicon() -> None:
    one = Lexicon({"paris": [1, 2, 0], "ada": [0, 0, 1]}, LABELS)
    other = Lexicon({"paris": [0, 1, 5], "oslo": [0, 3, 0]}, LABELS)
    both = one.merged(other)
    assert both.counts == {"paris": [1, 3, 5], "ada": [0, 0, 1], "oslo": [0, 3, 0]}
    assert both.labels == LABELS
    assert one.counts == {"paris": [1, 2, 0], "ada": [0, 0, 1]}
    assert other.counts == {"paris": [0, 1, 5], "oslo": [0, 3, 0]}


def test_merging_two_parts_gives_the_lexicon_of_the_whole() -> None:
    whole = split_of(PARIS, [0, 0, 1])
    first, second = (Lexicon.learn(whole.select(rows), LABELS) for rows in ([0], [1, 2]))
    assert first.merged(second).counts == Lexicon.learn(whole, LABELS).counts


# --- held out ----------------------------------------------------------------------------------------------


def recounted(sentences: list[Sentence], groups: list[object], more: list[Sentence]) -> list[list[int]]:
    """Count each word of a split in the sentences of other groups and in `more`."""
    rows = []
    for own, sentence in zip(groups, sentences, strict=True):
        others = [s for group, s in zip(groups, sentences, strict=True) if group != own]
        rows += [counted([*others, *more], form) for form, _ in sentence]
    return rows


@settings(deadline=None, max_examples=60)
@given(sentences=texts, steps=steps, more=texts)
def test_held_out_is_the_count_of_the_other_documents(
    sentences: list[Sentence], steps: list[int], more: list[Sentence]
) -> None:
    documents = documents_of(steps, len(sentences))
    split = split_of(sentences, documents)
    elsewhere = Lexicon.learn(split_of(more, [0] * len(more)), LABELS)
    places = np.arange(split.lengths.sum())
    learnt = Lexicon.learn(split, LABELS)
    for lexicon, added in ((learnt, []), (learnt.merged(elsewhere), more), (elsewhere.merged(learnt), more)):
        expected = features_of(np.array(recounted(sentences, list(documents), added)))
        np.testing.assert_array_equal(HeldOutLexicon(lexicon, split).features(places), expected)


@pytest.mark.parametrize("words", [1, 3])
def test_held_out_is_the_same_from_small_blocks_and_from_disk(
    words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = split_of(PARIS, [0, 0, 1]).select([2, 0, 1])  # a document in two pieces
    lexicon, everywhere = Lexicon.learn(split, LABELS), np.arange(split.lengths.sum())
    expected = HeldOutLexicon(lexicon, split).features(everywhere)
    monkeypatch.setattr("rnner.data.lexicon.word_blocks", partial(word_blocks, max_words=words))
    monkeypatch.setattr("rnner.data.lexicon.BLOCK_WORDS", words)
    monkeypatch.setattr("rnner.data.disk_arrays._MAX_IN_MEMORY", 0)
    assert Lexicon.learn(split, LABELS).counts == lexicon.counts
    np.testing.assert_array_equal(HeldOutLexicon(lexicon, split).features(everywhere), expected)


def test_held_out_features_of_a_part_use_only_that_part() -> None:
    part = split_of(PARIS, [0, 0, 1]).select([2, 0])
    found = HeldOutLexicon(Lexicon.learn(part, LABELS), part).features(np.arange(4))
    expected = recounted([PARIS[2], PARIS[0]], [1, 0], [])
    np.testing.assert_array_equal(found, features_of(np.array(expected)))


@pytest.mark.parametrize("marked", [0, 5])
def test_without_marks_blocks_of_twenty_sentences_are_held_out(marked: int) -> None:
    tags = ["S-PER", "S-LOC", "O"]
    sentences: list[Sentence] = [
        [("Ada", tags[i % 3]), (f"w{i % 7}", tags[i % 2])] for i in range(45 + marked)
    ]
    split = split_of(sentences, [NO_DOCUMENT] * 45 + [0] * marked)
    groups: list[object] = [i // 20 if i < 45 else "marked" for i in range(45 + marked)]
    found = HeldOutLexicon(Lexicon.learn(split, LABELS), split).features(np.arange(2 * len(sentences)))
    np.testing.assert_array_equal(found, features_of(np.array(recounted(sentences, groups, []))))
    assert found.any()


def test_a_word_of_one_document_has_the_features_of_an_unseen_word() -> None:
    split = split_of(PARIS, [0, 1, 2])
    held_out = HeldOutLexicon(Lexicon.learn(split, LABELS), split)
    assert held_out.features(np.array([1, 3])).tolist() == [[0.0] * 4] * 2  # slept, Hilton
    assert held_out.features(np.array([[0, 2]])).shape == (1, 2, 4)
    assert held_out.features(np.array([0])).any()


# --- in batches --------------------------------------------------------------------------------------------


def test_a_batch_of_training_is_held_out_and_one_of_prediction_is_not() -> None:
    split = split_of(PARIS, [0, 0, 1])
    lexicon = Lexicon.learn(split, LABELS)
    sentences, tags = split.sentences()
    plain = Vocabulary.build(split.counts, labels=LABELS, scheme="bioes")
    vocabulary = Vocabulary(**{**vars(plain), "lexicon": lexicon})
    training = EncodedSplit(vocabulary, split).batch([2, 1]).lexicon
    prediction = vocabulary.encode([sentences[2], sentences[1]], [tags[2], tags[1]]).lexicon
    assert training is not None and prediction is not None
    assert training.shape == prediction.shape == (2, 4, 4)
    held_out = HeldOutLexicon(lexicon, split).features(np.array([6, 7, 2, 3, 4, 5]))
    np.testing.assert_array_equal(np.concatenate([training[0, :2], training[1]]), held_out)
    known = lexicon.features(["paris", "green", *sentences[1]])
    np.testing.assert_array_equal(np.concatenate([prediction[0, :2], prediction[1]]), known)
    assert plain.encode(sentences).lexicon is None
