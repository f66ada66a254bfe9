"""The order in which to annotate texts."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rnner.active_learning.ranking import EXTRA_WORDS, random_order, uncertain_first

TEXTS = [
    "Solicitors Crake and Ng regret the delay .",
    "Tranter returns in A Quiet Word with the Ferryman .",
    "Wow emma and kaite is so very cute and so funny",
    "It rained all day in the north of the country .",
    "Grace Hopper joined Remington Rand in Philadelphia .",
]
WORDS = [len(text.split()) for text in TEXTS]


def test_the_most_uncertain_text_comes_first_and_equal_ones_keep_their_order() -> None:
    bits = [{"crake": 1.0}, {"tranter": 3.0}, {}, {}, {"rand": 2.0}]
    assert list(uncertain_first(TEXTS, bits, [10] * 5)) == [1, 4, 0, 2, 3]


def test_a_name_counts_less_once_an_earlier_text_has_asked_about_it() -> None:
    bits = [{"crake": 2.0}, {"crake": 1.9}, {"crake": 1.8, "emma": 0.15}, {"rain": 1.0}, {"crake": 0.5}]
    assert list(uncertain_first(TEXTS, bits, [10] * 5)) == [0, 2, 3, 1, 4]


def test_a_long_text_must_be_more_uncertain_but_not_in_proportion() -> None:
    words = [10, 10 + EXTRA_WORDS + 10, 10, 10, 10]  # the second takes twice the effort
    assert next(uncertain_first(TEXTS, [{"a": 1.0}, {"b": 1.9}, {}, {}, {}], words)) == 0
    assert next(uncertain_first(TEXTS, [{"a": 1.0}, {"b": 2.1}, {}, {}, {}], words)) == 1


bits_of_texts = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 8).map(float), max_size=3), min_size=1, max_size=9
)


@given(bits_of_texts)
def test_each_choice_is_the_best_of_what_is_left(bits: list[dict[str, float]]) -> None:
    """Against the plain definition; the texts are unlike each other, so none of them waits."""
    texts = [chr(ord("A") + i) * 30 for i in range(len(bits))]
    asked: Counter[str] = Counter()
    left = set(range(len(bits)))
    for number in uncertain_first(texts, bits, [1] * len(bits)):
        gains = {i: sum(own / (1 + asked[name]) for name, own in bits[i].items()) for i in left}
        assert gains[number] >= max(gains.values()) - 1e-9
        left.discard(number)
        asked.update(bits[number].keys())
    assert not left


def test_texts_that_all_ask_about_one_name_are_ranked_without_quadratic_work() -> None:
    class Counted(dict):  # type: ignore[type-arg]
        reads = 0

        def items(self):  # type: ignore[no-untyped-def]
            Counted.reads += 1
            return super().items()

    count = 2_000
    texts = [f"{number:x}" for number in range(count)]
    order = list(uncertain_first(texts, [Counted(crake=1.0) for _ in texts], [5] * count))
    assert sorted(order) == list(range(count)) and Counted.reads < 20 * count


def test_the_random_order_depends_only_on_the_seed() -> None:
    assert random_order(50, 1) == random_order(50, 1) != random_order(50, 2)
    assert sorted(random_order(50, 3)) == list(range(50))
