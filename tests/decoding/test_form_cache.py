"""The cache of word forms: each form is computed once, and returned rows never change."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from rnner.decoding.form_cache import FormCache


class Counting:
    """Computes two rows of a form from its length, and counts the calls for each form."""

    def __init__(self):
        self.seen = Counter()

    def __call__(self, forms):
        self.seen.update(forms)
        sizes = torch.tensor([[float(len(form))] for form in forms])
        return [sizes, sizes * torch.tensor([[1.0, 2.0, 3.0]])]


def right(forms, known):
    (one, other), rows = known.rows(forms)
    sizes = [len(form) for form in forms]
    return one[rows].flatten().tolist() == sizes and other[rows, 2].tolist() == [3 * size for size in sizes]


def test_a_cached_form_is_computed_once():
    count = Counting()
    known = FormCache(count, [1, 3], capacity=4)
    for forms in (["a", "bb"], ["bb", "ccc"], ["a", "ccc", "bb"]):
        assert right(forms, known)
    assert count.seen == {"a": 1, "bb": 1, "ccc": 1}


def test_unused_forms_are_dropped_and_used_ones_kept():
    count = Counting()
    known = FormCache(count, [1, 3], capacity=3)
    for forms in (["old", "used"], ["new"], ["used", "next"], ["later"], ["used", "last"], ["more"]):
        assert right(forms, known)
    assert count.seen == dict.fromkeys(["old", "used", "new", "next", "later", "last", "more"], 1)
    known.rows(["old", "used"])
    assert (count.seen["old"], count.seen["used"]) == (2, 1)


@pytest.mark.parametrize("room", [1, 2, 3, 7])
def test_more_forms_than_the_capacity_are_correct(room, monkeypatch):
    monkeypatch.setattr("rnner.decoding.form_cache._AT_ONCE", 2)
    known = FormCache(Counting(), [1, 3], capacity=room)
    for start in range(20):
        forms = ["x" * (1 + (start * 7 + i) % 23) for i in range(1 + start % 9)]
        assert right(forms, known)


def test_returned_rows_never_change():
    known = FormCache(Counting(), [1, 3], capacity=2)
    (one, other), rows = known.rows(["a", "bb"])
    for size in range(3, 20):
        known.rows(["x" * size, "y" * size])
    assert one[rows].flatten().tolist() == [1, 2] and other[rows, 2].tolist() == [3, 6]


def test_threads_share_a_cache():
    known = FormCache(Counting(), [1, 3], capacity=5)

    def ask(seed):
        forms = [["x" * (1 + (seed * 5 + step * 3 + i) % 13) for i in range(4)] for step in range(200)]
        return all(right(own, known) for own in forms)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(4)))
