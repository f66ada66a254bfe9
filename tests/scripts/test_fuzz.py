"""A small run of scripts/fuzz_data.py on 200 corrupted files, and tests that it detects failures."""

from collections import Counter
from random import Random

import pytest

from rnner.data.corpus import resolve
from rnner.data.formats.column_layout import Layout

FILES = 200


@pytest.fixture(scope="module")
def corpora():
    return [resolve(f"sample:{part}").read_bytes().split(b"\n") for part in ("train", "dev", "test")]


def test_a_corrupted_file_gives_a_result_or_a_clear_error(script, corpora):
    fuzz, outcomes = script("fuzz_data"), Counter()
    for number in range(FILES):
        result = fuzz.try_file(number, corpora=corpora, seed=0, limit=20)
        assert result.failure is None, f"file {number}: {result.failure.problem}"
        outcomes.update(result.outcomes)
    assert outcomes["read: done"] > 50 < outcomes["read: error"]
    assert all(outcomes[f"convert to {form}: done"] for form in fuzz.TARGETS)


def test_a_number_always_gives_the_same_file(script, corpora):
    mutations = script("mutations")
    one, same, other = (
        mutations.mutate(mutations.corpus_piece(corpora, d), d) for d in map(Random, (1, 1, 2))
    )
    assert one == same != other
    assert one.count(b"\n") < mutations.MOST_LINES


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"Ada O\n\n \t\n# a\nB O\n", {1, 5}),
        (b"\xef\xbb\xbfAda\tO\r\n\r\n#\tO\n-DOCSTART- O\n\xff\tO\r", {1, 3, 5}),
    ],
)
def test_rows_are_lines_that_are_not_blank_comments_or_document_marks(script, data, rows):
    assert script("fuzz_data").rows(data, Layout("\t")) == rows


def test_a_timeout_or_an_unexpected_exception_is_a_failure(script, corpora, monkeypatch):
    fuzz = script("fuzz_data")

    def endless(*ignored, **options):
        while True:
            pass

    monkeypatch.setattr(fuzz, "read_split", endless)
    assert "more than 1 s" in fuzz.try_file(0, corpora=corpora, seed=0, limit=1).failure.problem
    monkeypatch.setattr(fuzz, "read_split", lambda *ignored, **options: [][0])
    assert "IndexError" in fuzz.try_file(0, corpora=corpora, seed=0, limit=20).failure.problem


def test_a_lost_line_is_a_failure(script, corpora, monkeypatch):
    fuzz = script("fuzz_data")
    data = b"Ada\tB-PER\nwrote\tO\n"
    monkeypatch.setattr(fuzz, "mutate", lambda *ignored: data)
    monkeypatch.setattr(fuzz, "rows", lambda *ignored: {1, 2, 3})
    assert "[3]" in fuzz.try_file(0, corpora=corpora, seed=0, limit=20).failure.problem
