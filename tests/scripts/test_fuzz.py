"""Spoilt files: a few hundred of those that `scripts/fuzz_data.py` tries by the thousand."""

import importlib
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from rnner.data.corpus import resolve

FILES = 200


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent.parent / "scripts"))
    return importlib.import_module


@pytest.fixture(scope="module")
def corpora():
    return [resolve(f"sample:{part}").read_bytes().split(b"\n") for part in ("train", "dev", "test")]


def test_of_a_spoilt_file_there_is_a_result_or_a_clear_error(script, corpora):
    fuzz, outcomes = script("fuzz_data"), Counter()
    for number in range(FILES):
        tried = fuzz.try_file(number, corpora=corpora, seed=0, limit=20)
        assert tried.find is None, f"file {number}: {tried.find.problem}"
        outcomes.update(tried.outcomes)
    assert outcomes["read: done"] > 50 < outcomes["read: error"]
    assert all(outcomes[f"convert to {form}: done"] for form in fuzz.TARGETS)


def test_a_number_stands_for_one_file(script, corpora):
    mutations = script("mutations")
    one, same, other = (mutations.mutated(mutations.part(corpora, d), d) for d in map(Random, (1, 1, 2)))
    assert one == same != other
    assert one.count(b"\n") < mutations.MOST_LINES


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"Ada O\n\n \t\n# a\nB O\n", {1, 5}),
        (b"\xef\xbb\xbfAda\tO\r\n\r\n#\tO\n-DOCSTART- O\n\xff\tO\r", {1, 3, 5}),
    ],
)
def test_what_must_become_a_token_is_neither_blank_nor_a_comment_nor_a_mark(script, data, rows):
    assert script("fuzz_data").rows(data) == rows


def test_what_takes_too_long_or_fails_otherwise_is_a_find(script, corpora, monkeypatch):
    fuzz = script("fuzz_data")

    def endless(*ignored, **options):
        while True:
            pass

    monkeypatch.setattr(fuzz, "read_split", endless)
    assert "more than 1 s" in fuzz.try_file(0, corpora=corpora, seed=0, limit=1).find.problem
    monkeypatch.setattr(fuzz, "read_split", lambda *ignored, **options: [][0])
    assert "IndexError" in fuzz.try_file(0, corpora=corpora, seed=0, limit=20).find.problem


def test_a_line_that_is_lost_is_a_find(script, corpora, monkeypatch):
    fuzz = script("fuzz_data")
    data = b"Ada\tB-PER\nwrote\tO\n"
    monkeypatch.setattr(fuzz, "mutated", lambda *ignored: data)
    monkeypatch.setattr(fuzz, "rows", lambda *ignored: {1, 2, 3})
    assert "[3]" in fuzz.try_file(0, corpora=corpora, seed=0, limit=20).find.problem
