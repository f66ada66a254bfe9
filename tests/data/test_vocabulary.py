import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_vocabulary import LABELS, N_GRAMS, SENTENCES, batch_forms, build, vectors

from rnner.data.casing import CASINGS
from rnner.data.vocabulary import Vocabulary
from rnner.data.word_index import normal_form
from rnner.errors import DataError
from rnner.tags import tag_inventory
from tiny_corpus import counted

# --- words and their keys ---


def test_words_seen_often_enough_get_rows_in_order_of_frequency_then_text():
    vocabulary = build()
    assert vocabulary.words == ["<pad>", "<unknown>", "in", ".", "harry", "met", "0000", "hermione"]
    assert vocabulary.vector_words == []


def test_rare_and_unseen_words_are_the_unknown_word():
    vocabulary = build()
    assert vocabulary.word_id("Granger") == 1
    assert vocabulary.word_id("Voldemort") == 1
    assert build(min_count=1).word_id("Granger") > 1


def test_without_vectors_years_share_a_row_and_case_is_ignored():
    vocabulary = build()
    assert vocabulary.word_id("1812") == vocabulary.word_id("1997") == vocabulary.words.index("0000")
    assert vocabulary.word_id("HARRY") == vocabulary.word_id("harry") == vocabulary.words.index("harry")


def test_the_key_is_the_exact_spelling_then_lower_case_then_the_normal_form():
    vocabulary = build(vectors=vectors("Harry", "harry", "granger", "1997", "0000"))
    assert vocabulary.key("Harry") == "Harry"
    assert vocabulary.key("HARRY") == "harry"
    assert vocabulary.key("Granger") == "granger"
    assert vocabulary.key("1997") == "1997"
    assert vocabulary.key("1812") == "0000"
    assert vocabulary.key("Draco7") == "draco0"


def test_digits_of_any_script_become_0():
    assert normal_form("Ab-१२٣") == "ab-000"
    assert normal_form("x²") == "x²"  # a superscript is not a decimal digit


@given(st.text(max_size=12))
@settings(deadline=None, max_examples=200)
def test_the_normal_form_of_a_normal_form_is_itself(form):
    assert normal_form(normal_form(form)) == normal_form(form)


def test_words_with_a_vector_keep_it_frozen():
    vocabulary = build(vectors=vectors("Harry", "London", "dragon"))
    assert vocabulary.vector_words == ["Harry", "London", "dragon"]
    assert "harry" not in vocabulary.words
    assert vocabulary.word_id("Harry") == len(vocabulary.words)
    assert vocabulary.word_id("dragon") == len(vocabulary.words) + 2  # never seen in training
    assert vocabulary.word_id("harry") == 1  # only "Harry" has a vector


def test_frozen_rows_are_the_vectors_in_the_order_of_the_ids():
    table = vectors("Harry", "London", "dragon")
    assert build(vectors=table).frozen_rows(table) is table.matrix
    tuned = build(vectors=table, tune=True)
    assert tuned.vector_words == ["dragon"]
    assert tuned.frozen_rows(table).tolist() == [[7, 8, 9]]
    with pytest.raises(ValueError, match="'dragon'"):
        tuned.frozen_rows(vectors("Harry", "London"))


def test_tuned_words_have_a_trained_row_that_starts_from_their_vector_however_rare():
    table = vectors("Harry", "London", "dragon")
    vocabulary = build(vectors=table, tune=True)
    ids, rows = vocabulary.initial_rows(table)
    assert [vocabulary.words[i] for i in ids.tolist()] == ["Harry", "London"]  # London is seen once
    assert rows.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (ids.dtype, rows.dtype) == (np.int64, np.float32)
    assert vocabulary.word_id("London") == vocabulary.words.index("London")
    assert "laughed" not in vocabulary.words  # seen once, and without a vector


def test_without_tuning_no_trained_row_starts_from_a_vector():
    table = vectors("Harry")
    ids, rows = build(vectors=table).initial_rows(table)
    assert ids.shape == (0,)
    assert rows.shape == (0, 3)


def test_every_form_gets_the_row_of_its_key():
    vocabulary = build(vectors=vectors("Harry", "in", "1997", "."), tune=True, min_count=1)
    rows = vocabulary.words + vocabulary.vector_words
    for form in {form for sentence in SENTENCES for form in sentence}:
        assert rows[vocabulary.word_id(form)] == vocabulary.key(form)


def test_tokens_that_look_like_reserved_entries_are_ordinary_words():
    sentences = [["<pad>", "<unknown>", "<pad>", "<unknown>"]]
    vocabulary = build(sentences)
    assert sorted([vocabulary.word_id("<pad>"), vocabulary.word_id("<unknown>")]) == [2, 3]
    assert build().word_id("<pad>") == 1
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_the_order_of_sentences_does_not_matter():
    shuffled = [list(sentence) for sentence in SENTENCES]
    random.Random(1).shuffle(shuffled)
    assert shuffled != SENTENCES
    assert build(shuffled) == build()


# --- encoding ---


def test_a_batch_encodes_each_distinct_form_once():
    vocabulary = build()
    batch = vocabulary.encode([["Harry", "met", "Harry"], ["met"]])
    assert batch.words.tolist() == [vocabulary.words.index("harry"), vocabulary.words.index("met")]
    assert [CASINGS[i] for i in batch.casing.tolist()] == ["capitalised", "lower"]
    assert batch.forms.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert batch.lengths.tolist() == [3, 1]
    assert batch.tags is None
    spelled = [[vocabulary.characters[i] for i in row if i] for row in batch.characters.tolist()]
    assert spelled == [list("Harry"), list("met")]
    assert batch.characters.tolist()[1][3:] == [0, 0]
    arrays = (batch.words, batch.casing, batch.characters, batch.forms, batch.lengths)
    assert {array.dtype for array in arrays} == {np.dtype(np.int64)}


def test_unseen_characters_are_the_unknown_character():
    batch = build().encode([["Łódź"]])
    assert batch.characters.tolist()[0] == [1, 1, batch.characters[0, 2], 1]
    assert batch.characters[0, 2] > 1


def test_tags_are_encoded_in_the_order_of_the_vocabulary_and_padded_with_0():
    batch = build().encode([["Harry", "Potter"], ["."]], [["B-PER", "I-PER"], ["O"]])
    assert batch.tags.tolist() == [[3, 4], [0, 0]]
    assert batch.tags.dtype == np.int64


def test_a_foreign_tag_is_named():
    with pytest.raises(ValueError, match=r"'B-ORG'.*B-LOC, I-LOC, B-PER, I-PER"):
        build().encode([["BBC"]], [["B-ORG"]])


@pytest.mark.parametrize("tags", [[["O"]], [["O", "O"], ["O"]], []])
def test_every_word_needs_one_tag(tags):
    with pytest.raises(ValueError, match="exactly one tag"):
        build().encode([["Harry", "laughed"]], tags)


@pytest.mark.parametrize("sentences", [[], [["a"], []]])
def test_an_empty_sentence_is_refused(sentences):
    with pytest.raises(ValueError, match="at least one"):
        build().encode(sentences)


def test_a_very_long_word_is_cut_for_the_characters_only():
    url = "h" + "t" * 300 + "p"
    vocabulary = build([[url, url]])
    batch = vocabulary.encode([[url], ["x" * 101], ["h" * 100]])
    assert batch.characters.shape == (3, 100)
    assert vocabulary.characters[int(batch.characters[0, 0])] == "h"
    assert vocabulary.characters[int(batch.characters[0, 99])] == "p"
    assert batch.words.tolist()[0] == vocabulary.words.index(url)


words = st.text(min_size=1, max_size=8) | st.sampled_from(["Harry", "met", "1997", "London", "."])


@given(st.lists(st.lists(words, min_size=1, max_size=6), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_the_encoding_of_a_sentence_does_not_depend_on_its_batch(sentences):
    vocabulary = build(vectors=vectors("Harry", "dragon"))
    together = batch_forms(vocabulary, sentences)
    alone = [batch_forms(vocabulary, [sentence])[0] for sentence in reversed(sentences)][::-1]
    assert together == alone


def test_the_cache_makes_no_difference(monkeypatch):
    expected = batch_forms(build(), SENTENCES)
    monkeypatch.setattr("rnner.data.vocabulary._CACHED_FORMS", 3)  # cleared again and again
    vocabulary = build()
    assert [batch_forms(vocabulary, SENTENCES) for _ in range(2)] == [expected, expected]


# --- growing ---


def test_growing_keeps_old_ids_and_adds_new_words_characters_and_tags_after_them():
    old = build(vectors=vectors("dragon", "wand"))
    new = old.grow({"Zürich": 2, "BBC": 2, "dragon": 2, "laughed": 1}, labels=["ORG", "LOC"])
    assert new.words == [*old.words, "bbc", "zürich"]
    assert new.vector_words == ["dragon", "wand"]
    assert new.word_id("dragon") == len(new.words)
    assert new.word_id("laughed") == 1
    assert new.characters[: len(old.characters)] == old.characters
    assert {"Z", "ü"} <= set(new.characters)
    assert new.labels == ["LOC", "ORG", "PER"]
    assert new.tags == tag_inventory(["LOC", "ORG", "PER"], "iob2")
    assert Vocabulary.from_json(new.to_json()) == new


def test_growing_keeps_composing_words_seen_fewer_than_ten_times():
    old = build(vectors=vectors("dragon", "wand"), n_grams=N_GRAMS)
    new = old.grow({"Zürich": 10, "BBC": 9}, labels=LABELS)
    assert new.n_grams == N_GRAMS and new.words == [*old.words, "zürich"]
    shift = len(new.words) - len(old.words)
    assert new.rows == old.rows + shift
    before, after = (vocabulary.features("BBC").composition for vocabulary in (old, new))
    assert (after.rows - before.rows).tolist() == [shift] * len(before.rows)
    assert old.grow(counted(SENTENCES), labels=LABELS) == old


def test_growing_with_nothing_new_changes_nothing():
    old = build(vectors=vectors("dragon", "Harry"), tune=True, min_count=1)
    assert old.grow(counted(SENTENCES), labels=["PER"], min_count=1) == old


def test_growing_a_binary_vocabulary_keeps_its_two_tags():
    old = build(labels=["NAME"], scheme="binary")
    assert old.grow({"x": 1}, labels=["NAME"]).tags == ["0", "1"]


def test_the_representation_is_short():
    characters = {character for sentence in SENTENCES for word in sentence for character in word}
    assert repr(build(vectors=vectors("dragon"))) == (
        f"Vocabulary(6 trained words, 1 frozen vectors, {len(characters)} characters, 5 tags in iob2)"
    )


def test_more_labels_than_a_model_can_have_are_refused():
    labels = [f"L{i}" for i in range(501)]
    with pytest.raises(DataError, match=r"the data has 501 labels, but a model has at most 500"):
        build(labels=labels)
    with pytest.raises(DataError, match="501 labels"):
        build(labels=labels[:500]).grow({}, labels=labels[500:])
