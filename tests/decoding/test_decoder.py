"""Entities read off many sentences at once, and sentences read block by block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner import tags
from rnner.decoding.batching import blocks
from rnner.decoding.lattice import TagTable
from rnner.decoding.tagger_decoder import TaggerDecoder
from tiny import DEV, TEST, TRAIN, tagger_with_context, words_of

SENTENCES = words_of(TRAIN + DEV + TEST)


@pytest.mark.parametrize("scheme", tags.SCHEMES)
def test_entities_are_those_of_each_sentence_alone(scheme):
    names = tags.tag_inventory(["LOC", "PER"], scheme)
    start, step, end = (np.array(allowed) for allowed in tags.transitions(names, scheme))
    draw, k = np.random.default_rng(1), len(names)
    paths, lengths = draw.integers(0, k, (200, 9)), draw.integers(1, 10, 200)
    for path, length in zip(paths, lengths, strict=True):
        while not (
            start[path[0]] and step[path[: length - 1], path[1:length]].all() and end[path[length - 1]]
        ):
            path[:length] = draw.integers(0, k, length) * (draw.random(length) < 0.5)
    places, labels = TagTable(names, scheme).entities(paths, lengths)
    found = [[] for _ in paths]
    for (row, first, last), label in zip(places.tolist(), labels, strict=True):
        found[row].append((first, last, label))
    rows = zip(paths, lengths, strict=True)
    assert found == [tags.to_spans([names[tag] for tag in path[:length]], scheme) for path, length in rows]
    assert sum(map(len, found)) > 100


def test_where_nothing_is_named_there_are_no_entities():
    places, labels = TagTable(["O", "S-LOC"], "bioes").entities(
        np.zeros((3, 4), dtype=np.int64), np.array([4, 1, 2])
    )
    assert places.shape == (0, 3) and labels == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([-1, -1, 0, 1, 2])), max_size=40),
    st.integers(1, 30),
)
def test_blocks_hold_all_sentences_and_whole_documents(sentences, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnner.decoding.batching._BLOCK", size)
        numbers = [number for _, number in sentences]
        found = list(blocks([["x"] * length for length, _ in sentences], numbers))
    assert [i for block in found for i in block] == list(range(len(sentences)))
    for number in {*numbers} - {-1}:
        assert sum(number in numbers[block.start : block.stop] for block in found) == 1
    if -1 in numbers and set(numbers) == {-1}:
        assert all(sum(sentences[i][0] for i in block) < size + 9 for block in found)


def test_blocks_never_change_a_result(monkeypatch):
    tagger, vocabulary = tagger_with_context()
    documents = [i // 3 if i % 7 else -1 for i in range(len(SENTENCES))]
    decoder = TaggerDecoder(tagger, vocabulary)
    known = decoder.scored_spans(SENTENCES, documents)
    asked = [[span[:3] for span in spans] for spans in known]
    for size in (1, 20):
        monkeypatch.setattr("rnner.decoding.batching._BLOCK", size)
        found = decoder.scored_spans(SENTENCES, documents)
        assert [[span[:3] for span in spans] for spans in found] == asked
        scores = [span.score for spans in known for span in spans]
        assert [span.score for spans in found for span in spans] == pytest.approx(scores, abs=1e-5)
        again = decoder.probabilities(
            SENTENCES, [[tags.Span(*span) for span in own] for own in asked], documents
        )
        assert [span.score for spans in again for span in spans] == pytest.approx(scores, abs=1e-5)
