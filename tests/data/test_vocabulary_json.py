"""Vocabularies as JSON: nothing is lost, and a damaged file is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_vocabulary import LABELS, N_GRAMS, batch_forms, build, vectors

from rnner.data.lexicon import Lexicon
from rnner.data.vocabulary import Vocabulary
from rnner.errors import ModelError
from rnner.text.tokenizer import TOKENIZER


@given(st.lists(st.lists(st.text(st.characters(), min_size=1), min_size=1), max_size=5))
@settings(deadline=None, max_examples=60)
def test_any_words_survive_json(sentences):
    sentences = [*sentences, ["a b", '"', "\\", "\u2028", "\x00", "\ud800", "New\tYork", "'"]]
    vocabulary = build(sentences, vectors=vectors(". . .", "\u2029", "\u00a0", "a b"), min_count=1)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary
    assert batch_forms(again, sentences) == batch_forms(vocabulary, sentences)


def test_the_json_value_is_a_copy():
    vocabulary = build()
    saved = vocabulary.to_json()
    vocabulary.words.append("dragon")
    assert "dragon" not in saved["words"]


def test_a_lexicon_survives_json():
    lexicon = Lexicon({"harry": [1, 0, 7], "über": [0, 2, 0], "\u2028": [3, 0, 0]}, LABELS)
    vocabulary = replace(build(), lexicon=lexicon)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again.to_json() == vocabulary.to_json()
    assert again.lexicon.counts == lexicon.counts and again.lexicon.labels == LABELS
    sentences = [["HARRY", "Über", "nothing"], ["\u2028"]]
    assert np.array_equal(again.encode(sentences).lexicon, vocabulary.encode(sentences).lexicon)
    assert vocabulary.encode(sentences).lexicon.any()


def test_a_vocabulary_without_a_lexicon_has_none_in_json():
    assert "lexicon" not in build().to_json()
    assert Vocabulary.from_json(build().to_json()).lexicon is None


def test_the_json_value_of_the_lexicon_is_a_copy():
    vocabulary = replace(build(), lexicon=Lexicon({"harry": [1, 0, 7]}, LABELS))
    saved = vocabulary.to_json()
    vocabulary.lexicon.counts["harry"][0] = 5
    vocabulary.lexicon.counts["dragon"] = [1, 0, 0]
    assert saved["lexicon"] == {"harry": [1, 0, 7]}


def test_composition_survives_json():
    vocabulary = build(vectors=vectors("Harry", "london"), n_grams=N_GRAMS)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary and again.n_grams == N_GRAMS and again.rows == vocabulary.rows
    before, after = (known.features("Granger").composition for known in (vocabulary, again))
    assert after.rows.tolist() == before.rows.tolist() and after.weights.tolist() == before.weights.tolist()
    assert "n_grams" not in build().to_json()
    assert Vocabulary.from_json(build().to_json()).n_grams is None


NO_N_GRAMS = [3, True, "ang", {"ang": 1}, ["ang", 3], [None], 0, False, "", {}]


def test_vocabularies_of_older_tokenizers_can_be_read():
    data = build().to_json()
    assert data["tokenizer"] == TOKENIZER
    for version in range(1, TOKENIZER + 1):
        assert Vocabulary.from_json({**data, "tokenizer": version}) == build()
    del data["tokenizer"]
    assert Vocabulary.from_json(data) == build()


def test_the_name_of_an_own_tokenizer_is_saved():
    vocabulary = replace(build(), tokenizer="mine")
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert "own_tokenizer" not in build().to_json()


def broken(**changes):
    return {**build(vectors=vectors("dragon")).to_json(), **changes}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "not written by rnner"),
        ({}, "not written by rnner"),
        (broken(format_version=2), "format_version is 2; this rnner reads 1"),
        (broken(tokenizer=3), "needs tokenizer version 3; this rnner has 1 to 2"),
        (broken(tokenizer="2"), "needs tokenizer version '2'; this rnner has 1 to 2"),
        (broken(own_tokenizer=2), "'own_tokenizer' is not a string"),
        (broken(words=None), "'words' is not a list of strings"),
        (broken(characters=["<pad>", "<unknown>", 3]), "'characters' is not a list of strings"),
        (broken(words=["harry", "in"]), "'words' does not start with <pad> and <unknown>"),
        (broken(characters=[]), "'characters' does not start with"),
        (broken(characters=["<pad>", "<unknown>", "ab"]), "not a single character"),
        (broken(words=["<pad>", "<unknown>", "in", "in"]), "duplicate 'in' in 'words'"),
        (broken(words=["<pad>", "<unknown>", "dragon"]), "duplicate 'dragon' in 'words'"),
        (broken(characters=["<pad>", "<unknown>", "a", "a"]), "duplicate 'a' in 'characters'"),
        (broken(labels=["LOC", "LOC"]), "duplicate 'LOC' in 'labels'"),
        (
            broken(labels=["LOC", "PER\r"]),
            "the label 'PER\\r' is not valid: a label must have only visible characters",
        ),
        (broken(labels=["LOC", "PER\nx\tB-LOC"]), "the label 'PER\\nx\\tB-LOC' is not valid"),
        (broken(scheme="bilou"), "its scheme is 'bilou'; expected iob1, iob2, bioes, binary"),
        (broken(scheme=None), "its scheme is None"),
        (broken(tags=["O", "B-PER"]), "'tags' are not the iob2 tags of the labels LOC, PER"),
        (broken(lexicon=["harry"]), "'lexicon' is not a map from words to counts"),
        (broken(lexicon={"in": [3, 0, 0], "harry": [1, 2]}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": [0, 1, 2, 3]}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": [0, -1, 2]}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": [0, 1, 2.5]}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": [0, 1, True]}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": "012"}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": None}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": [0, 2**31, 2]}), "'lexicon' does not have 3 counts for 'harry'"),
        (broken(lexicon={"harry": [0, 10**30, 2]}), "'lexicon' does not have 3 counts for 'harry'"),
        *((broken(n_grams=other), "'n_grams' is not a list of strings") for other in NO_N_GRAMS),
        (broken(n_grams=["ang", "<gr", "ang"]), "duplicate 'ang' in 'n_grams'"),
        (broken(n_grams=["ang", ""]), "an entry of 'n_grams' is empty"),
        (broken(own_tokenizer="x" * 201), "'own_tokenizer' has more than 200 characters"),
        (broken(labels=[f"L{i}" for i in range(501)]), "it has 501 labels; a model has at most 500"),
        (broken(format_version=[0] * 10_000), "its format_version is [0, 0"),
        (broken(scheme="x" * 10_000), "its scheme is 'xxx"),
    ],
)
def test_a_broken_vocabulary_is_refused_in_one_sentence(data, message):
    with pytest.raises(ModelError) as caught:
        Vocabulary.from_json(data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
