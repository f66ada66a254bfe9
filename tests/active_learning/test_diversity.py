"""Near-duplicates are kept apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner.active_learning.diversity import SIMILAR, hashed_n_grams, spread

FLIGHTS = [f"Flight {number} from Oslo to Paris is delayed by an hour." for number in range(1, 9)]
OTHERS = [
    "Grace Hopper joined Remington Rand in Philadelphia.",
    "Wow emma and kaite is so very cute and so funny i wish im ryan",
    "Tickets for the show in Dortmund sold out within minutes , says the club .",
    "The ministry of health in Lagos confirmed two further cases on Monday.",
]


def similarity(a: str, b: str) -> float:
    return float(hashed_n_grams(a) @ hashed_n_grams(b))


def test_equal_but_for_case_digits_and_spaces() -> None:
    assert similarity("Flight 17 is late.", "flight  18 is LATE.") == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (FLIGHTS[0], "Flight 12 from Oslo to Rome is delayed by an hour."),
        ("Pre Order Jaket Korea BARCA RIDE sd 7 Jan", "Pre Order jaket Korea CHELSEA RIDE sd 7 Jan"),
        ("一个北京人在纽约的故事", "一个上海人在纽约的故事"),
    ],
)
def test_a_changed_name_leaves_texts_similar(a: str, b: str) -> None:
    assert similarity(a, b) > SIMILAR


def test_different_texts_are_not_similar() -> None:
    texts = [FLIGHTS[0], *OTHERS, "", "😀"]
    for i, a in enumerate(texts):
        assert all(similarity(a, b) < 0.4 for b in texts[i + 1 :])


def test_near_duplicates_wait_while_there_is_something_else() -> None:
    texts = [*FLIGHTS[:3], *OTHERS]
    order = list(spread(texts, range(len(texts))))
    assert order == [0, 3, 4, 5, 6, 1, 2]


@given(st.lists(st.sampled_from([*FLIGHTS, *OTHERS, ""]), max_size=12), st.randoms())
def test_every_text_comes_once_and_the_first_stays_first(texts: list[str], random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found = list(spread(texts, order))
    assert sorted(found) == sorted(order) and found[:1] == order[:1]


def test_vectors_have_length_one_and_any_text_has_one() -> None:
    for text in (*OTHERS, "a", "\ud800", "x" * 10_000):
        assert np.linalg.norm(hashed_n_grams(text)) == pytest.approx(1.0)
