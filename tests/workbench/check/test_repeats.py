"""Repeated sentences: in a file, in another, nearly the same, with other tags."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import found, kinds, rows

from rnner.workbench.check.lenient_reader import parse
from rnner.workbench.check.repeats import SIMILARITY, _word_set, check_repeats

TRAIN = """\
Ada|B-PER wrote a long letter to Charles|B-PER .
The letter left London|B-LOC on Monday 12 May .
Bell|B-ORG Labs|I-ORG hired Claude|B-PER Shannon|I-PER in 1941 .
"""
FAR = "\n".join(f"w{n} x{n} y{n} z{n} v{n}" for n in range(30))


def repeats(*texts):
    files = [parse(f"{number}.conll", rows(text).split("\n")) for number, text in enumerate(texts)]
    return [
        (finding.kind, finding.place, finding.message)
        for finding in check_repeats(files)
        if finding.kind != "leak"
    ]


def test_a_duplicate_is_reported_with_its_first_place():
    again = TRAIN + "It rained .\nAda|B-PER wrote a long letter to Charles|B-PER .\nIt rained .\n"
    assert repeats(again) == [
        ("duplicate", "0.conll:33:1", "'Ada wrote a long letter to Charles .', as in 0.conll:1")
    ]


def test_short_sentences_may_repeat():
    assert repeats("It rained a lot\nIt rained a lot", "It rained a lot") == []


def test_a_sentence_of_an_earlier_file_is_an_overlap():
    dev = FAR + "\nThe letter left London|B-LOC on Monday 12 May ."
    ((kind, place, message),) = repeats(TRAIN, dev)
    assert (kind, place) == ("overlap", "1.conll:181:1")
    assert message.endswith("as in 0.conll:10")


@pytest.mark.parametrize(
    ("sentence", "near"),
    [
        ("the letter left london|B-LOC on Monday 30 May .", True),
        ("The letter left London|B-LOC on Monday 12 May !", True),
        ("The letter left London|B-LOC on Tuesday 12 May .", False),  # 6 of 8 words
        ("The letter left London|B-LOC on Monday 12 May again .", True),
        ("On Monday 12 May the letter was still in London|B-LOC .", False),
    ],
)
def test_a_near_repeat_is_reported(sentence, near):
    assert [kind for kind, _, _ in repeats(TRAIN, FAR + "\n" + sentence)] == ["near-overlap"] * near


SENTENCES = st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=5, max_size=12), max_size=6)


@given(SENTENCES, SENTENCES)
def test_no_near_repeat_is_missed(train, dev):
    sides = [[" ".join(sentence) for sentence in side] for side in (train, dev)]
    findings = repeats(*("\n".join(side) for side in sides))
    known = set(sides[0])
    expected = 0
    for text in dict.fromkeys(sides[1]):
        words = _word_set(text)
        others = [_word_set(other) for other in sides[0]]
        expected += (
            text not in known
            and len(words) >= 5
            and any(
                len(other) >= 5 and len(words & other) >= SIMILARITY * len(words | other) for other in others
            )
        )
    assert sum(kind == "near-overlap" for kind, _, _ in findings) == expected


def test_other_tags_are_reported_at_the_first_difference():
    again = TRAIN + "Ada|B-PER wrote a long letter to Charles|B-LOC .\n"
    (finding,) = found(rows(again), kind="retagged")
    assert finding == "35:1 LOC 'Charles' here, PER 'Charles' in my.conll:1"


def test_another_scheme_is_not_another_tagging():
    assert "retagged" not in kinds(
        rows("Bell|B-ORG Labs|I-ORG hired a mathematician"),
        rows("Bell|I-ORG Labs|I-ORG hired a mathematician"),
    )


def test_a_tenth_of_a_file_in_another_is_a_leak():
    lines = FAR.splitlines()
    few, many = "\n".join([*lines[:2], *TRAIN.splitlines()]), "\n".join(lines)
    assert "leak" in kinds(rows(few), rows(many.replace("w2 ", "new ")[: len(many) // 2]))
    (finding,) = found(rows(few), rows("\n".join(lines[1:11])), kind="leak")
    assert finding == "None:None 1 of 10 sentences (10%) of 5 words or more"
    assert found(rows(few), rows("\n".join(lines[1:12])), kind="leak") == []


def test_common_words_do_not_slow_the_search():
    # All pairs of these sentences share common words: comparing them would take millions of comparisons.
    generator = random.Random(1)
    common = [f"the{n}" for n in range(8)]
    text = "\n".join(" ".join([*common, *(f"w{generator.random()}" for _ in range(8))]) for _ in range(4000))
    half = len(text.splitlines()) // 2
    one, other = "\n".join(text.splitlines()[:half]), "\n".join(text.splitlines()[half:])
    assert repeats(one, other) == []
