"""Composed vectors: their parts and n-grams, and that suffixes are learned."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data import subwords
from rnner.data.subwords import WeightedRows, collate_compositions, composable, compose, n_grams

FIRST = 1000  # the row of the first n-gram
KNOWN = {"tripoli": 3, "based": 4, "new": 5, "york": 6, "don": 7, "mc": 8, "t": 9, "u": 10, "s": 11}


# --- n-grams -----------------------------------------------------------------------------------------------


def test_borders_count_as_characters():
    assert n_grams("cat") == ["<ca", "cat", "at>", "<cat", "cat>", "<cat>"]
    assert n_grams("ab") == ["<ab", "ab>", "<ab>"]
    assert n_grams("a") == ["<a>"]
    assert n_grams("東京") == ["<東京", "東京>", "<東京>"]


@given(st.text(max_size=12))
def test_n_grams_are_all_substrings_of_three_to_five_characters_in_order(word):
    found, marked = n_grams(word), f"<{word}>"
    assert [len(gram) for gram in found] == sorted(len(gram) for gram in found)
    for size in (3, 4, 5):
        own = [gram for gram in found if len(gram) == size]
        assert len(own) == max(0, len(marked) - size + 1)
        assert not own or "".join(gram[0] for gram in own) + own[-1][1:] == marked
    assert {len(gram) for gram in found} <= {3, 4, 5}


def test_an_n_gram_that_a_word_has_twice_is_listed_twice():
    assert Counter(n_grams("banana"))["ana"] == 2


# --- what a form is made of --------------------------------------------------------------------------------


SPELLINGS = ["lahren", "tripoly", "us", "xyzabc", "izmir", "東京", "xy", "banana"]
GRAMS = {
    gram: row
    for row, gram in enumerate(dict.fromkeys(gram for word in SPELLINGS for gram in n_grams(word)), FIRST)
}
MEAN = FIRST + len(GRAMS)


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("Tripoli-based", ["tripoli", "based"]),
        ("TRIPOLI_based", ["tripoli", "based"]),
        ("Tripoli/New-York", ["tripoli", "new", "york"]),
        ("#NewYork", ["new", "york"]),
        ("@Tripoli", ["tripoli"]),
        ("NewYork", ["new", "york"]),
        ("McXyz", ["mc"]),
        ("don't", ["don"]),  # one letter alone says nothing
        ("Xyzzy-based", ["based"]),
        ("new-new", ["new", "new"]),
        ("--based--", ["based"]),
    ],
)
def test_a_form_of_parts_is_the_mean_of_those_that_have_a_vector(form, parts):
    pieces = compose(form, KNOWN, GRAMS, MEAN)
    assert pieces.rows.tolist() == [KNOWN[part] for part in parts]
    assert pieces.weights.tolist() == pytest.approx([1 / len(parts)] * len(parts))
    assert pieces.weights.dtype == np.float32 and pieces.rows.dtype == np.int64


def test_a_part_uses_its_exact_spelling_else_its_lower_case():
    known = {"Tripoli": 3, "tripoli": 4, "Based": 5, "york": 6}
    for form, rows in (("Tripoli-york", [3, 6]), ("TRIPOLI-YORK", [4, 6]), ("york-based", [6])):
        assert compose(form, known, GRAMS, MEAN).rows.tolist() == rows


@pytest.mark.parametrize(
    ("form", "spelling"),
    [
        ("Lahren", "lahren"),
        ("LAHREN", "lahren"),
        ("tripoly", "tripoly"),
        ("U.S.", "us"),
        ("#Lahren", "lahren"),
        ("Xyz-Abc", "xyzabc"),
        ("XyzAbc", "xyzabc"),
        ("İzmir", "izmir"),
        ("東京", "東京"),
        ("x_y", "xy"),
        ("Banana", "banana"),
    ],
)
def test_any_other_form_is_the_mean_vector_and_the_n_grams_of_its_letters(form, spelling):
    pieces = compose(form, KNOWN, GRAMS, MEAN)
    expected = [GRAMS[gram] for gram in n_grams(spelling)]
    assert pieces.rows.tolist() == [*expected, MEAN]
    assert pieces.weights.tolist() == pytest.approx([len(expected) ** -0.5] * len(expected) + [1])
    assert pieces.weights.dtype == np.float32 and pieces.rows.dtype == np.int64


def test_n_grams_without_a_row_are_left_out_and_the_weights_adjusted():
    pieces = compose("Cats", {}, {"ats": 9, "<ca": 7, "cat>": 8, "dog": 6}, 50)
    assert pieces.rows.tolist() == [7, 9, 50]
    assert pieces.weights.tolist() == pytest.approx([2**-0.5, 2**-0.5, 1])


@pytest.mark.parametrize("form", ["Dog", "Dog-House", "DogHouse", "don't", "東京"])
@pytest.mark.parametrize("grams", [{}, {"<ca": 7, "cat": 8, "at>": 9}])
def test_a_form_without_known_n_grams_is_not_composed(form, grams):
    assert composable(form) and compose(form, {}, grams, 50) is None


def test_parts_with_a_vector_need_no_n_gram():
    assert compose("Dog-Tripoli", KNOWN, {}, 50).rows.tolist() == [KNOWN["tripoli"]]


UNCOMPOSED = ["", "a", "J.", "?", "--", "x²", "😀", "1997", "1990s", "B-52", "Tripoli-2", "١٢ab"]
ADDRESSES = ["http://new.york", "HTTPS://t.co/based", "www.york.new"]


@pytest.mark.parametrize("form", [*UNCOMPOSED, *ADDRESSES])
def test_digits_web_addresses_and_single_letters_are_not_composed(form):
    everything = dict.fromkeys(n_grams("".join(c for c in form.lower() if c.isalpha())), FIRST)
    assert not composable(form) and compose(form, KNOWN, everything, MEAN) is None


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=15) | st.text("lahrenbANtripoli-_'1", max_size=15))
def test_every_composition_has_valid_rows_and_one_weight_per_row(form):
    pieces = compose(form, KNOWN, GRAMS, MEAN)
    if pieces is not None:
        assert composable(form) and len(pieces.rows) == len(pieces.weights) > 0
        rows = pieces.rows.tolist()
        assert set(rows) <= set(KNOWN.values()) or (
            rows[-1] == MEAN and set(rows[:-1]) <= set(GRAMS.values())
        )


# --- the pieces of several forms ---------------------------------------------------------------------------

PIECES = [
    None,
    WeightedRows(np.array([3, 4]), np.array([0.5, 0.5], dtype=np.float32)),
    None,
    WeightedRows(np.array([4, 1000, 7]), np.array([0.25, 1, 0.75], dtype=np.float32)),
]


def test_collating_records_the_form_of_each_summand():
    made_of = collate_compositions(PIECES)
    assert made_of.rows.tolist() == [3, 4, 4, 1000, 7]
    assert made_of.weights.tolist() == [0.5, 0.5, 0.25, 1, 0.75]
    assert made_of.forms.tolist() == [1, 1, 3, 3, 3]


@pytest.mark.parametrize("pieces", [[], [None, None], PIECES])
def test_a_collated_composition_has_the_right_dtypes_even_if_empty(pieces):
    made_of = collate_compositions(pieces)
    assert (made_of.rows.dtype, made_of.forms.dtype) == (np.int64, np.int64)
    assert made_of.weights.dtype == np.float32
    assert len(made_of.rows) == len(made_of.weights) == len(made_of.forms)


def test_masking_sets_weights_to_0():
    made_of = collate_compositions(PIECES)
    left = made_of.masked(np.array([False, True, True, False, True]))
    assert left.weights.tolist() == [0, 0.5, 0.25, 0, 0.75] and left.weights.dtype == np.float32
    assert np.array_equal(left.rows, made_of.rows) and np.array_equal(left.forms, made_of.forms)
    assert made_of.weights.tolist() == [0.5, 0.5, 0.25, 1, 0.75]


# --- learning ----------------------------------------------------------------------------------------------

CITY, NAME = [1.0, -1.0, 0.5], [-1.0, 1.0, 0.5]
ROOTS = [a + b + c + d for a in "bdklmn" for b in "aeiou" for c in "rstv" for d in "aeo"]
HOGS = ["hogsmeade", "hogsback", "hogshead", "hogsmill", "hogsty"]  # what they share is seen five times


def taught():
    """Words whose vectors follow from their suffix."""
    words = [root + ("burg" if i % 2 else "ovich") for i, root in enumerate(ROOTS)]
    return words, np.array([CITY if i % 2 else NAME for i in range(len(ROOTS))], dtype=np.float32)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(subwords, "_BATCH", 5)


def learn(words, vectors, most=10_000):
    """All n-grams of a few words, and their rows."""
    return subwords.learn_n_grams(words, vectors, most)


def listed(words, most=10_000):
    """Return the n-grams learned from words with arbitrary vectors."""
    return learn(words, np.ones((len(words), 3), dtype=np.float32), most)[0]


def words_with(words):
    """Count the words that have each n-gram."""
    return Counter(gram for word in words for gram in set(n_grams(word)))


def vector_of(form, learnt):
    kept, table = learnt
    pieces = compose(form, {}, {gram: row for row, gram in enumerate(kept)}, len(kept))
    return torch.from_numpy(pieces.weights) @ table[pieces.rows]


def test_n_grams_of_at_least_five_words_are_learned():
    assert sorted(listed(HOGS)) == sorted(["<ho", "hog", "ogs", "<hog", "hogs", "<hogs"])
    assert listed(HOGS[1:]) == []
    words, _ = taught()
    assert set(listed(words)) == {gram for gram, count in words_with(words).items() if count >= 5}


def test_a_word_that_has_an_n_gram_twice_counts_once():
    fruit = ["banana", "ananas", "manana", "anana"]
    assert listed(fruit) == []
    assert listed([*fruit, "havana"]) == ["ana"]


def test_the_most_frequent_n_grams_come_first_and_the_rest_are_left_out():
    words, vectors = taught()
    counts, everything = words_with(words), listed(words)
    frequencies = [counts[gram] for gram in everything]
    assert frequencies == sorted(frequencies, reverse=True) and len(set(frequencies)) > 3
    kept, table = learn(words, vectors, 20)
    assert kept == everything[:20] and table.shape == (21, 3)
    assert vector_of("Zwickyburg", (kept, table)).isfinite().all()


class Salted(str):
    """A string whose hash, hence its order in a set, changes, as it does between processes."""

    salt = 0

    def __hash__(self):
        return hash((self.salt, str(self)))


def test_equally_frequent_n_grams_are_the_same_and_in_the_same_order_in_every_process(monkeypatch):
    monkeypatch.setattr(subwords, "n_grams", lambda word: [Salted(gram) for gram in n_grams(word)])
    found = []
    for salt in range(4):
        monkeypatch.setattr(Salted, "salt", salt)
        found.append(list(map(str, listed(taught()[0], 100))))
    assert found[1:] == found[:1] * 3


@pytest.mark.parametrize(("form", "like", "unlike"), [("Zwickyburg", CITY, NAME), ("#Pfuhovich", NAME, CITY)])
def test_an_unseen_word_is_like_those_with_its_suffix(small_batches, form, like, unlike):
    found = vector_of(form, learn(*taught()))
    near, far = (torch.dist(found, torch.tensor(vector)) for vector in (like, unlike))
    assert near < far / 2


def test_the_words_themselves_are_composed_nearly_as_they_were(small_batches):
    words, vectors = taught()
    learnt = learn(words, vectors)
    errors = [
        torch.dist(vector_of(word, learnt), vector)
        for word, vector in zip(words, torch.from_numpy(vectors), strict=True)
    ]
    assert max(errors) < 0.1 * torch.dist(torch.tensor(CITY), torch.tensor(NAME))


def test_a_row_for_each_n_gram_and_last_the_mean_of_the_words_learnt_from():
    words, vectors = taught()
    more = ["1997", "x", "--", "U.S.", "a" * 21, "qwxzy"]  # no words to learn from, or no n-gram of theirs is
    kept, table = learn([*words, *more], np.concatenate([vectors, np.full((len(more), 3), 99, np.float32)]))
    plain = learn(words, vectors)
    assert kept == plain[0] and len(set(kept)) == len(kept)
    torch.testing.assert_close(table, plain[1], rtol=0, atol=1e-6)
    torch.testing.assert_close(table[-1], torch.from_numpy(vectors.mean(axis=0)))
    assert table.shape == (len(kept) + 1, 3) and table.dtype == torch.float32 and not table.requires_grad
    assert table.any(dim=1).all()


def test_learning_ignores_case():
    words, vectors = taught()
    written = [(word.upper(), word.title(), word)[i % 3] for i, word in enumerate(words)]
    (kept, table), (expected, rows) = learn(written, vectors), learn(words, vectors)
    assert kept == expected and torch.equal(table, rows)


def test_learning_is_independent_of_the_random_state():
    torch.manual_seed(1)
    np.random.seed(1)
    one, rows = learn(*taught())
    torch.rand(3)
    np.random.rand(3)
    drawn = torch.get_rng_state()
    again, same = learn(*taught())
    assert one == again and torch.equal(rows, same)
    assert torch.equal(drawn, torch.get_rng_state())


@pytest.mark.parametrize("words", [[], ["1997"], [".", "x", "10th"], HOGS[1:]])
def test_without_usable_words_only_a_zero_mean_is_returned(words):
    kept, table = learn(words, np.ones((len(words), 3), dtype=np.float32))
    assert kept == [] and table.tolist() == [[0, 0, 0]] and table.dtype == torch.float32
    assert compose("Lahren", {}, {}, 0) is None
