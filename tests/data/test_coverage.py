"""Coverage of a corpus by word vectors."""

from collections import Counter

import numpy as np
import pytest

from rnner.data.coverage import measure_coverage
from rnner.data.vectors import Vectors
from rnner.errors import DataError


def small_vectors():
    return Vectors(["the", "Harry", "wand", "0000"], np.ones((4, 2), dtype=np.float32))


def test_coverage_counts_tokens_and_types():
    counts = Counter({"the": 5, "The": 2, "Harry": 1, "1997": 1, "Muggle": 4, "HARRY": 3, "owl": 4})
    found = measure_coverage(counts, small_vectors(), examples=2)
    assert found.tokens == (6, 3, 11)  # 1997 is found as 0000; HARRY is not: "harry" has no vector
    assert found.types == (2, 2, 3)
    assert found.most_missed == [("Muggle", 4), ("owl", 4)]
    assert found.share == found.tokens.share == 9 / 20


def test_the_coverage_report():
    report = str(measure_coverage(Counter({"the": 1500, "The": 300, "Muggle": 200}), small_vectors()))
    assert report.splitlines() == [
        "word vectors                tokens               types",
        "  exact              1,500   75.0%           1   33.3%",
        "  lower-cased          300   15.0%           1   33.3%",
        "  missing              200   10.0%           1   33.3%",
        "  most missed: Muggle (200)",
    ]


def test_low_coverage_is_an_error():
    found = measure_coverage(Counter({"the": 1, "сова": 999}), small_vectors())
    found.check(0.001)
    message = r"only 0\.1 % of the training tokens .* requires 20 %; missing: 'сова'.*language"
    with pytest.raises(DataError, match=message):
        found.check(0.2)


def test_an_empty_corpus_has_coverage_0():
    found = measure_coverage({}, small_vectors())
    assert found.share == 0
    assert "most missed" not in str(found)
