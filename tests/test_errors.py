"""Messages: the closest known word, lists cut to twenty items, errors of several lines."""

import time

import pytest

from rnner.errors import ConfigError, DataError, RnnerError, closest, did_you_mean, first_of


def test_the_closest_word_is_found_in_any_case():
    assert closest("TRIAN", ["train", "dev"]) == "train"
    assert closest("xyz", ["train", "dev"]) is None
    assert did_you_mean("trian", ["Train"]) == " (did you mean Train?)"
    assert did_you_mean("xyz", ["Train"]) == ""


def test_of_many_words_the_neighbours_in_the_alphabet_are_compared():
    names = [f"file{number:06}.conll" for number in range(100_000)]
    start = time.process_time()
    assert closest("file050000.conl", names) == "file050000.conll"
    assert closest("x" * 1_000_000, names) is None
    assert closest("train", [*names, "a" * 1_000_000, "trains"]) == "trains"
    assert time.process_time() - start < 20  # comparing with all of them takes minutes


def test_a_list_shows_twenty_items_and_how_many_more_there_are():
    items = [str(number) for number in range(50)]
    assert first_of(items[:20]) == items[:20]
    assert first_of(items) == [*items[:20], "and 30 more"]
    assert first_of(items[:2], more=1_000) == ["0", "1", "and 1,000 more"]


def test_an_error_has_a_summary_and_details():
    for error in (RnnerError("a", ["b"]), DataError("a", details=["b"])):
        assert (str(error), error.summary, error.details) == ("a\nb", "a", ["b"])
    assert RnnerError("a").details == []
    assert str(RnnerError()) == ""


@pytest.mark.parametrize("more", [0, 60_000])
def test_a_config_error_counts_all_problems_and_shows_twenty(more):
    error = ConfigError([f"key{number}: unknown key" for number in range(30)], "c.yaml", more=more)
    assert error.summary == f"c.yaml: {30 + more:,} problems in the config"
    assert error.details[0] == "  - key0: unknown key"
    assert error.details[20:] == [f"  - and {10 + more:,} more"]
    assert str(ConfigError(["key: unknown key"], "c.yaml")) == "c.yaml: key: unknown key"
