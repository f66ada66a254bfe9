"""A short run of scripts/fuzz_model_files.py, and tests that it detects failures."""

import os
import sys
from collections import Counter
from random import Random

import pytest

from rnner.errors import ModelError

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs fork and /proc"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


@pytest.fixture
def fuzz(script, monkeypatch):
    monkeypatch.setenv("RNNER_CACHE", os.environ.get("RNNER_CACHE", ""))
    fuzz = script("fuzz_model_files")
    monkeypatch.setattr(fuzz.corpus_cache, "MIN_BYTES", fuzz.corpus_cache.MIN_BYTES)
    return fuzz


def test_malformed_files_give_an_answer_or_a_clear_error(fuzz, tmp_path):
    originals, outcomes = fuzz.Originals(tmp_path), Counter()
    for kind in fuzz.CASES:
        for number in range(4):
            outcome = fuzz.try_case(originals, kind, number, seed=7)
            assert outcome.kind != "failure", f"{kind}:{number}: {outcome.message}"
            outcomes[outcome.kind] += 1
    assert outcomes["answer"] and outcomes["error"]


def raise_(error):
    raise error


@pytest.mark.parametrize(
    ("use", "kind", "reported"),
    [
        (lambda: None, "answer", ""),
        (lambda: raise_(ModelError("x: is damaged")), "error", "x: is damaged"),
        (lambda: raise_(ModelError("two\nlines")), "failure", "a message of 2 lines"),
        (lambda: raise_(ModelError("x" * 3000)), "failure", "of 3000 characters"),
        (lambda: raise_(KeyError("x")), "failure", "KeyError: 'x'"),
        (lambda: bytearray(2 << 30), "failure", "MemoryError"),
        (lambda: os.kill(os.getpid(), 9), "failure", "the process ended with -9"),
        (lambda: os.kill(os.getpid(), 14), "failure", "took more than 20 s"),
    ],
)
def test_failures_are_detected(fuzz, use, kind, reported):
    outcome = fuzz._in_a_process(use)
    assert outcome.kind == kind and reported in outcome.message


def test_a_number_always_gives_the_same_case(script):
    mutations = script("model_mutations")
    data = b'{"a": [1, 2, {"b": null}], "c": "x"}' * 3
    assert mutations.damage(data, Random(5)) == mutations.damage(data, Random(5)) != data
