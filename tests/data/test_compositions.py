"""Vocabularies that compose unknown words of n-grams and parts."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_vocabulary import LABELS, N_GRAMS, SENTENCES, build, vectors

from rnner.data.lexicon import Lexicon
from rnner.data.vocabulary import Vocabulary


def test_encode_forms_equals_encoding_a_sentence_of_the_forms():
    forms = ["Harry", "café", "Zürich-based", "10:30", "\U0001d400", "\ud800", "x" * 300, "東京"]
    lexicon = Lexicon({"harry": [1, 0, 3]}, LABELS)
    vocabulary = replace(build(vectors=vectors("zürich", "based"), n_grams=["<xx", "xxx"]), lexicon=lexicon)
    found, expected = vocabulary.encode_forms(forms), vocabulary.encode([forms])
    for name in ("words", "casing", "characters", "forms", "lengths", "lexicon"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("rows", "weights", "forms"):
        mine, theirs = getattr(found.composition, name), getattr(expected.composition, name)
        np.testing.assert_array_equal(mine, theirs)
    assert len(found.composition.rows) and found.lexicon.any()


def test_any_number_of_characters_can_be_encoded():
    """Ids are encoded as text: the surrogates (0xD800 and above) must work as ids too."""
    characters = [chr(point) for point in range(0x1_0000, 0x1_F000)]
    vocabulary = build([["".join(characters[i : i + 90])] for i in range(0, len(characters), 90)])
    ids = {character: i for i, character in enumerate(vocabulary.characters)}
    for at in (0, 0xD7FF - 2, 0xD800 - 2, 0xDFFF - 2, 0xE000 - 2):
        batch = vocabulary.encode_forms([vocabulary.characters[2 + at]])
        assert batch.characters.tolist() == [[ids[vocabulary.characters[2 + at]]]]


def often(word, times):
    return [*SENTENCES, *[["then", word]] * times]


def test_only_unknown_words_are_composed():
    vocabulary = build(often("Dobby", 10), vectors=vectors("Harry", "london"), n_grams=N_GRAMS)
    for form in ("Harry", "London", "dobby", "DOBBY", "then"):
        assert vocabulary.features(form).composition is None and vocabulary.features(form).word > 1
    for form in ("harry", "Granger", "London-based", "Dobby's"):
        assert vocabulary.features(form).composition is not None and vocabulary.features(form).word == 0
        assert vocabulary.word_id(form) == 1
    for form in ("X", "3rd", "http://owl.post", "?", "Weasley", "Weasley-Malfoy"):
        assert vocabulary.features(form).composition is None and vocabulary.features(form).word == 1
    assert build().features("Granger").composition is None


def test_compositions_use_rows_of_words_and_n_grams():
    vocabulary = build(often("Dobby", 10), vectors=vectors("Harry", "london"), n_grams=N_GRAMS)
    parts = vocabulary.features("Dobby-London").composition.rows.tolist()
    assert parts == [vocabulary.word_id("dobby"), vocabulary.word_id("london")]
    first = len(vocabulary.words) + 2
    pieces = vocabulary.features("Granger").composition
    assert pieces.rows.tolist() == [first + 1, first + 2, first, vocabulary.rows - 1]
    assert pieces.weights.tolist() == pytest.approx([3**-0.5] * 3 + [1])
    assert vocabulary.rows == first + len(N_GRAMS) + 1
    assert build(vectors=vectors("Harry", "london")).rows == len(build(vectors=vectors("Harry")).words) + 2


@pytest.mark.parametrize(
    ("word", "times", "least", "trained"),
    [
        ("Dobby", 9, 2, False),
        ("Dobby", 10, 2, True),
        ("Dobby", 11, 12, False),
        ("Dobby", 12, 12, True),
        ("1812", 2, 2, True),  # a word that cannot be composed needs only min_count
        ("?", 1, 2, False),
    ],
)
def test_a_word_that_could_be_composed_gets_a_trained_row_if_seen_ten_times(word, times, least, trained):
    found = build(often(word, times), n_grams=N_GRAMS, vectors=vectors("then"), min_count=least)
    assert (found.key(word) in found.words) == trained


def test_without_n_grams_words_are_composed_of_parts_only():
    vocabulary = build(vectors=vectors("Harry", "london"), n_grams=[])
    assert vocabulary.features("Granger")[::3] == (1, None)
    assert vocabulary.features("London-based").composition.rows.tolist() == [vocabulary.word_id("london")]
    assert vocabulary.rows == len(vocabulary.words) + 2 + 1
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary and again.n_grams == []


def test_tuned_words_have_a_trained_row_however_rare_though_others_are_composed():
    vocabulary = build(
        often("Granger", 5), vectors=vectors("Harry", "London", "dragon"), tune=True, n_grams=N_GRAMS
    )
    assert vocabulary.vector_words == ["dragon"]
    assert {"Harry", "London"} < set(vocabulary.words) and "granger" not in vocabulary.words


def test_a_word_without_known_n_grams_needs_only_min_count():
    found = build(often("Weasley", 2), n_grams=N_GRAMS, vectors=vectors("then"), min_count=2)
    assert "weasley" in found.words


def test_a_batch_holds_the_compositions_of_its_forms():
    vocabulary = build(vectors=vectors("Harry", "london"), n_grams=N_GRAMS)
    batch = vocabulary.encode([["Granger", "Harry", "London-based"], ["London-based", "?"]])
    made_of = batch.composition
    pieces = [vocabulary.features(form).composition for form in ("Granger", "London-based")]
    assert made_of.rows.tolist() == [row for found in pieces for row in found.rows.tolist()]
    assert made_of.weights.tolist() == [weight for found in pieces for weight in found.weights.tolist()]
    assert made_of.forms.tolist() == [0] * len(pieces[0].rows) + [2]
    assert (made_of.rows.dtype, made_of.forms.dtype) == (np.int64, np.int64)
    assert made_of.weights.dtype == np.float32
    assert batch.words.tolist()[::2] == [0, 0]
    assert build().encode(SENTENCES).composition is None


def test_a_batch_without_composed_forms_has_an_empty_composition():
    made_of = build(vectors=vectors("Harry"), n_grams=N_GRAMS).encode([["Harry", "?"]]).composition
    assert [len(part) for part in (made_of.rows, made_of.weights, made_of.forms)] == [0, 0, 0]
    assert (made_of.rows.dtype, made_of.forms.dtype) == (np.int64, np.int64)
    assert made_of.weights.dtype == np.float32
