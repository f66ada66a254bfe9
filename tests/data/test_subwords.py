"""Vectors of words that a vector file lacks: what they are made of, and that suffixes tell."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data import subwords
from rnner.data.subwords import BUCKETS, Pieces, compose, composition, learn, n_grams

FIRST = 1000  # the row of bucket 0
KNOWN = {"tripoli": 3, "based": 4, "new": 5, "york": 6, "don": 7, "mc": 8, "t": 9, "u": 10, "s": 11}


# --- n-grams -----------------------------------------------------------------------------------------------


def bucket(n_gram):
    """The hash of an n-gram, a character at a time in Python's own integers."""
    value = len(n_gram)
    for character in n_gram:
        value = (value ^ ord(character)) * 0x9E3779B97F4A7C15 % 2**64
        value ^= value >> 29
    return value % BUCKETS


def spelt(word):
    marked = f"<{word}>"
    return [marked[i : i + size] for size in (3, 4, 5) for i in range(len(marked) - size + 1)]


letters = st.text(st.characters(categories=["L"]), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(letters, min_size=1, max_size=6))
def test_n_grams_of_several_words_are_those_of_a_loop_over_each(words):
    buckets, counts = n_grams(words)
    assert buckets.tolist() == [bucket(n_gram) for word in words for n_gram in spelt(word)]
    assert counts.tolist() == [len(spelt(word)) for word in words]
    assert buckets.dtype == counts.dtype == np.int64


def test_borders_count_as_characters():
    assert spelt("cat") == ["<ca", "cat", "at>", "<cat", "cat>", "<cat>"]
    assert n_grams(["a"])[0].tolist() == [bucket("<a>")]


def test_buckets_are_the_same_in_every_process_and_on_every_machine():
    buckets, counts = n_grams(["cat", "ß", "東京", "𝒳"])
    assert buckets.tolist() == [47631, 13806, 40323, 49633, 20805, 1331, 17546, 30108, 11052, 15579, 4156]
    assert counts.tolist() == [6, 1, 3, 1]


def test_n_grams_share_buckets_no_more_than_chance_makes_them():
    words = [a + b + c for a in "abcdefghijklmnopqrstuvwxyz" for b in "aeiounrst" for c in "aeiounrst"]
    distinct = {n_gram for word in words for n_gram in spelt(word)}
    used = len(np.unique(n_grams(words)[0]))
    assert used == pytest.approx(BUCKETS * (1 - np.exp(-len(distinct) / BUCKETS)), rel=0.03)


# --- what a form is made of --------------------------------------------------------------------------------


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
    pieces = compose(form, KNOWN, FIRST)
    assert pieces.rows.tolist() == [KNOWN[part] for part in parts]
    assert pieces.weights.tolist() == pytest.approx([1 / len(parts)] * len(parts))
    assert pieces.weights.dtype == np.float32 and pieces.rows.dtype == np.int64


def test_a_part_has_the_vector_of_its_own_spelling_else_that_of_its_lower_case():
    known = {"Tripoli": 3, "tripoli": 4, "Based": 5, "york": 6}
    for form, rows in (("Tripoli-york", [3, 6]), ("TRIPOLI-YORK", [4, 6]), ("york-based", [6])):
        assert compose(form, known, FIRST).rows.tolist() == rows


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
    ],
)
def test_any_other_form_is_the_mean_vector_and_the_n_grams_of_its_letters(form, spelling):
    pieces = compose(form, KNOWN, FIRST)
    expected = [FIRST + bucket(n_gram) for n_gram in spelt(spelling)]
    assert pieces.rows.tolist() == [*expected, FIRST + BUCKETS]
    assert pieces.weights.tolist() == pytest.approx([len(expected) ** -0.5] * len(expected) + [1])
    assert pieces.weights.dtype == np.float32 and pieces.rows.dtype == np.int64


UNCOMPOSED = ["", "a", "J.", "?", "--", "x²", "😀", "1997", "1990s", "B-52", "Tripoli-2", "١٢ab"]
ADDRESSES = ["http://new.york", "HTTPS://t.co/based", "www.york.new"]


@pytest.mark.parametrize("form", [*UNCOMPOSED, *ADDRESSES])
def test_digits_web_addresses_and_what_has_no_two_letters_are_not_composed(form):
    assert compose(form, KNOWN, FIRST) is None


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=15))
def test_the_weights_of_any_form_are_as_many_as_its_rows_which_all_exist(form):
    pieces = compose(form, KNOWN, FIRST)
    if pieces is not None:
        assert len(pieces.rows) == len(pieces.weights) > 0
        rows = set(pieces.rows.tolist())
        assert rows <= set(KNOWN.values()) or (FIRST + BUCKETS in rows and min(rows) >= FIRST)


# --- the pieces of several forms ---------------------------------------------------------------------------

PIECES = [
    None,
    Pieces(np.array([3, 4]), np.array([0.5, 0.5], dtype=np.float32)),
    None,
    Pieces(np.array([4, 1000, 7]), np.array([0.25, 1, 0.75], dtype=np.float32)),
]


def test_a_composition_says_which_form_each_piece_belongs_to():
    made_of = composition(PIECES)
    assert made_of.rows.tolist() == [3, 4, 4, 1000, 7]
    assert made_of.weights.tolist() == [0.5, 0.5, 0.25, 1, 0.75]
    assert made_of.forms.tolist() == [1, 1, 3, 3, 3]


@pytest.mark.parametrize("pieces", [[], [None, None], PIECES])
def test_a_composition_has_the_types_that_rows_are_looked_up_by_even_if_it_is_empty(pieces):
    made_of = composition(pieces)
    assert (made_of.rows.dtype, made_of.forms.dtype) == (torch.int64, torch.int64)
    assert made_of.weights.dtype == torch.float32
    assert len(made_of.rows) == len(made_of.weights) == len(made_of.forms)


def test_pieces_that_are_not_kept_weigh_nothing_and_the_others_what_they_did():
    made_of = composition(PIECES)
    left = made_of.only(torch.tensor([False, True, True, False, True]))
    assert left.weights.tolist() == [0, 0.5, 0.25, 0, 0.75] and left.weights.dtype == torch.float32
    assert torch.equal(left.rows, made_of.rows) and torch.equal(left.forms, made_of.forms)
    assert made_of.weights.tolist() == [0.5, 0.5, 0.25, 1, 0.75]


# --- learning ----------------------------------------------------------------------------------------------

CITY, NAME = [1.0, -1.0, 0.5], [-1.0, 1.0, 0.5]
ROOTS = [a + b + c + d for a in "bdklmn" for b in "aeiou" for c in "rstv" for d in "aeo"]


def taught():
    """Words whose vectors follow from their suffix."""
    words = [root + ("burg" if i % 2 else "ovich") for i, root in enumerate(ROOTS)]
    return words, np.array([CITY if i % 2 else NAME for i in range(len(ROOTS))], dtype=np.float32)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(subwords, "_BATCH", 5)


def vector_of(form, table):
    pieces = compose(form, {}, 0)
    return torch.from_numpy(pieces.weights) @ table[pieces.rows]


@pytest.mark.parametrize(("form", "like", "unlike"), [("Zwickyburg", CITY, NAME), ("#Pfuhovich", NAME, CITY)])
def test_an_unseen_word_is_like_those_with_its_suffix(small_batches, form, like, unlike):
    found = vector_of(form, learn(*taught()))
    near, far = (torch.dist(found, torch.tensor(vector)) for vector in (like, unlike))
    assert near < far / 2


def test_the_words_themselves_are_composed_nearly_as_they_were(small_batches):
    words, vectors = taught()
    table = learn(words, vectors)
    errors = [
        torch.dist(vector_of(word, table), vector)
        for word, vector in zip(words, torch.from_numpy(vectors), strict=True)
    ]
    assert max(errors) < 0.1 * torch.dist(torch.tensor(CITY), torch.tensor(NAME))


def test_the_last_row_is_the_mean_of_the_words_learnt_from_and_unseen_n_grams_are_zeros():
    words, vectors = taught()
    more = ["1997", "x", "--", "U.S.", "a" * 21]  # no words to learn from
    table = learn([*words, *more], np.concatenate([vectors, np.full((len(more), 3), 99, np.float32)]))
    torch.testing.assert_close(table, learn(words, vectors), rtol=0, atol=1e-6)
    torch.testing.assert_close(table[-1], torch.from_numpy(vectors.mean(axis=0)))
    assert table.shape == (BUCKETS + 1, 3) and table.dtype == torch.float32 and not table.requires_grad
    seen = np.unique(n_grams(words)[0])
    assert table[seen].any(dim=1).all()
    assert not np.delete(table[:-1].numpy(), seen, axis=0).any()


def test_words_teach_the_same_however_they_are_written():
    words, vectors = taught()
    written = [(word.upper(), word.title(), word)[i % 3] for i, word in enumerate(words)]
    assert torch.equal(learn(written, vectors), learn(words, vectors))


def test_learning_twice_gives_the_same_numbers_whatever_was_drawn_before():
    torch.manual_seed(1)
    np.random.seed(1)
    one = learn(*taught())
    torch.rand(3)
    np.random.rand(3)
    drawn = torch.get_rng_state()
    assert torch.equal(one, learn(*taught()))
    assert torch.equal(drawn, torch.get_rng_state())


@pytest.mark.parametrize("words", [[], ["1997"], [".", "x", "10th"]])
def test_without_a_word_to_learn_from_what_is_composed_is_zeros(words):
    table = learn(words, np.ones((len(words), 3), dtype=np.float32))
    assert table.shape == (BUCKETS + 1, 3) and not table.any()
    assert vector_of("Lahren", table).tolist() == [0, 0, 0]
