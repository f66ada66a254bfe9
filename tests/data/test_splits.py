from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.splits import Split
from rnner.data.token_table import TableRow, build_table, word_blocks
from rnner.tags import Span, from_spans, to_spans

WORDS = [["Ada", "Lovelace", "slept"], ["Rain"], ["Bo", "Al", "of", "Łódź"]]
TAGS = [["B-PER", "I-PER", "O"], ["O"], ["B-PER", "B-PER", "O", "B-LOC"]]
ROWS = [
    TableRow(words, tags, i // 2, 5 * i + 1) for i, (words, tags) in enumerate(zip(WORDS, TAGS, strict=True))
]


@pytest.fixture
def split() -> Split:
    return Split(build_table(ROWS), Path("train.conll"), "train", "iob2")


def test_sentences_come_in_the_requested_order(split: Split) -> None:
    assert split.sentences() == (WORDS, TAGS)
    assert split.sentences([2, 0, 2]) == ([WORDS[2], WORDS[0], WORDS[2]], [TAGS[2], TAGS[0], TAGS[2]])
    assert split.sentences(np.array([1])) == ([WORDS[1]], [TAGS[1]])
    assert split.sentences([]) == ([], [])


def test_a_split_knows_its_lengths_documents_lines_and_labels(split: Split) -> None:
    assert len(split) == 3
    assert split.lengths.tolist() == [3, 1, 4]
    assert split.lengths.dtype == np.int64
    assert split.documents.tolist() == [0, 0, 1]
    assert split.lines.tolist() == [1, 6, 11]
    assert split.labels == ["LOC", "PER"]


def test_a_selection_is_a_split_with_its_own_numbers(split: Split) -> None:
    part = split.select([2, 1, 0]).select([0, 1])
    assert len(part) == 2
    assert part.sentences() == ([WORDS[2], WORDS[1]], [TAGS[2], TAGS[1]])
    assert part.sentences([1]) == ([WORDS[1]], [TAGS[1]])
    assert (part.lengths.tolist(), part.documents.tolist(), part.lines.tolist()) == ([4, 1], [1, 0], [11, 6])
    assert list(part.all_spans()) == list(split.all_spans())[:0:-1]
    assert split.select([1]).labels == []
    assert part.table is split.table


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
def test_conversion_keeps_the_entities(split: Split, scheme: str) -> None:
    converted = split.convert(scheme)
    assert converted.scheme == scheme
    assert list(converted.all_spans()) == list(split.all_spans())
    assert converted.labels == split.labels
    assert converted.sentences()[0] == WORDS
    assert converted.convert("iob2").sentences()[1] == TAGS


def test_conversion_holds_for_a_selection(split: Split) -> None:
    assert split.select([2, 0]).convert("bioes").sentences()[1] == (
        [["S-PER", "S-PER", "O", "S-LOC"], ["B-PER", "E-PER", "O"]]
    )


def test_binary_drops_labels_and_merges_adjacent_entities(split: Split) -> None:
    binary = split.convert("binary")
    assert binary.labels == ["NAME"]
    assert list(binary.all_spans())[2] == [Span(0, 2, "NAME"), Span(3, 4, "NAME")]
    with pytest.raises(ValueError, match="unknown tag scheme"):
        split.convert("conlleval")


LEGAL = ["O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"]
SCHEMES = ["iob1", "iob2", "bioes", "binary"]
sentences = st.lists(st.lists(st.sampled_from(LEGAL), min_size=1, max_size=8), min_size=1, max_size=6)


@settings(deadline=None)
@given(sentences, st.sampled_from(SCHEMES), st.sampled_from(SCHEMES), st.integers(1, 12))
def test_conversion_equals_converting_each_sentence_alone(
    tags: list[list[str]], read: str, written: str, words: int
) -> None:
    spans = [to_spans(row, "conlleval") for row in tags]
    given = [from_spans(own, len(row), read) for own, row in zip(spans, tags, strict=True)]
    for scheme, rows in (("conlleval", tags), (read, given)):
        split = Split(
            build_table([TableRow(["w"] * len(row), row, 0, 1) for row in rows]), Path("x"), "x", scheme
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rnner.data.splits.word_blocks", partial(word_blocks, max_words=words))
            converted = split.convert(written)
        expected = [from_spans(to_spans(row, scheme), len(row), written) for row in rows]
        assert converted.sentences()[1] == expected
        assert converted.tags.strings == list(dict.fromkeys(tag for row in expected for tag in row))


@pytest.mark.parametrize("words", [1, 4, 100])
def test_a_selection_counts_and_numbers_only_its_own_words(
    split: Split, words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnner.data.splits.word_blocks", partial(word_blocks, max_words=words))
    whole = Split(build_table([*ROWS, ROWS[0]]), Path("x"), "x", "iob2")
    part = whole.select([3, 1])
    assert part.tokens.strings == ["Ada", "Lovelace", "slept", "Rain"]
    assert part.tokens.numbers.tolist() == [0, 1, 2, 3]
    assert part.tags.strings == ["B-PER", "I-PER", "O"]
    assert part.tags.numbers.tolist() == [0, 1, 2, 2]
    assert part.counts == {"Ada": 1, "Lovelace": 1, "slept": 1, "Rain": 1}
    assert whole.counts["Ada"] == 2 and whole.counts["Łódź"] == 1


def test_the_digest_depends_on_contents_not_on_storage(split: Split) -> None:
    def digest(rows: list[TableRow]) -> str:
        return Split(build_table(rows), Path("x"), "x", "iob2").digest

    assert split.select([0, 2]).digest == digest([ROWS[0], ROWS[2]._replace(line=90)])
    others = [
        ROWS[:2],
        ROWS[::-1],
        [ROWS[0]._replace(words=["Ada", "Lovelace", "wept"]), *ROWS[1:]],
        [ROWS[0]._replace(tags=["B-PER", "I-PER", "B-PER"]), *ROWS[1:]],
        [ROWS[0]._replace(document=-1), *ROWS[1:]],
        [TableRow(WORDS[0] + WORDS[1], TAGS[0] + TAGS[1], 0, 1), ROWS[2]],
    ]
    assert len({split.digest, *map(digest, others)}) == 1 + len(others)


def test_many_sentences_keep_their_order() -> None:
    rows = [TableRow([f"w{i}", "."], ["B-PER", "O"], 0, i) for i in range(10_000)]
    split = Split(build_table(rows), Path("long.conll"), "long", "iob2")
    assert split.sentences([9_999, 4_096, 0])[0] == [["w9999", "."], ["w4096", "."], ["w0", "."]]
    converted = split.convert("bioes")
    assert converted.sentences([4_095, 9_999])[1] == [["S-PER", "O"]] * 2
    assert sum(len(spans) for spans in converted.all_spans()) == 10_000
