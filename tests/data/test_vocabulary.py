import json
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.casing import CASINGS, casing_class
from rnner.data.lexicon import Lexicon
from rnner.data.vectors import Vectors
from rnner.data.vocabulary import Vocabulary
from rnner.data.word_index import normal_form
from rnner.errors import ModelError
from rnner.tags import tag_inventory
from rnner.text.tokenizer import TOKENIZER
from tiny_corpus import counted

SENTENCES = [
    ["Harry", "Potter", "met", "Hermione", "Granger", "in", "London", "in", "1997", "."],
    ["Hermione", "met", "Harry", "in", "2003", ",", "and", "Harry", "laughed", "."],
    ["They", "met", "in", "the", "café", "at", "10:30", "."],
]
LABELS = ["LOC", "PER"]


def build(sentences=SENTENCES, labels=LABELS, scheme="iob2", **options):
    return Vocabulary.build(counted(sentences), labels=labels, scheme=scheme, **options)


def vectors(*words, dimension=3):
    matrix = np.arange(1, len(words) * dimension + 1, dtype=np.float32).reshape(len(words), dimension)
    return Vectors(list(words), matrix)


def batch_forms(vocabulary, sentences):
    """Return word id, casing and characters without padding of each word of each sentence."""
    batch = vocabulary.encode(sentences)
    result = []
    for i, length in enumerate(batch.lengths.tolist()):
        rows = batch.forms[i, :length].tolist()
        result.append(
            [
                (
                    int(batch.words[row]),
                    int(batch.casing[row]),
                    [c for c in batch.characters[row].tolist() if c],
                )
                for row in rows
            ]
        )
    return result


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


# --- composed words ---

N_GRAMS = ["ger>", "<gr", "ang", "rry", "obb", "<bbc"]


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


# --- casing ---


@pytest.mark.parametrize(
    ("form", "casing"),
    [
        ("cat", "lower"),
        ("all-rounder", "lower"),
        ("çà", "lower"),
        ("Harry", "capitalised"),
        ("A", "capitalised"),
        ("J.", "capitalised"),
        ("Émile", "capitalised"),
        ("Ῥόδος", "capitalised"),
        ("ǅ", "capitalised"),
        ("NATO", "upper"),
        ("U.S.", "upper"),
        ("МОСКВА", "upper"),
        ("iPhone", "mixed"),
        ("McDonald", "mixed"),
        ("O'Brien", "mixed"),
        ("1997", "numeric"),
        ("1,000.50", "numeric"),
        ("-3%", "numeric"),
        ("½", "numeric"),
        ("१९४७", "numeric"),
        ("B-52", "alphanumeric"),
        ("1990s", "alphanumeric"),
        ("?", "symbols"),
        ("--", "symbols"),
        (":)", "symbols"),
        ("👩‍🚀", "symbols"),
        ("", "symbols"),
        ("東京", "other"),
        ("القاهرة", "other"),
        ("三", "other"),  # a numeral, but written as a word
    ],
)
def test_casing_class(form, casing):
    assert CASINGS[casing_class(form)] == casing


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_every_form_has_a_casing_class_other_than_padding(form):
    assert 0 < casing_class(form) < len(CASINGS)


# --- JSON ---


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
    ],
)
def test_a_broken_vocabulary_is_refused_in_one_sentence(data, message):
    with pytest.raises(ModelError) as caught:
        Vocabulary.from_json(data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


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
