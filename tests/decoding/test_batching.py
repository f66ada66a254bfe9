"""Decoding block by block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner import tags
from rnner.decoding.batching import blocks
from rnner.decoding.tagger_decoder import TaggerDecoder
from tiny_corpus import DEV, TEST, TRAIN, tagger_with_context, words_of

SENTENCES = words_of(TRAIN + DEV + TEST)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([-1, -1, 0, 1, 2])), max_size=40),
    st.integers(1, 30),
)
def test_blocks_contain_all_sentences_and_whole_documents(sentences, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnner.decoding.batching._BLOCK_WORDS", size)
        numbers = [number for _, number in sentences]
        found = list(blocks([["x"] * length for length, _ in sentences], numbers))
    assert [i for block in found for i in block] == list(range(len(sentences)))
    for number in {*numbers} - {-1}:
        assert sum(number in numbers[block.start : block.stop] for block in found) == 1
    if -1 in numbers and set(numbers) == {-1}:
        assert all(sum(sentences[i][0] for i in block) < size + 9 for block in found)


def test_results_do_not_depend_on_blocks(monkeypatch):
    tagger, vocabulary = tagger_with_context()
    documents = [i // 3 if i % 7 else -1 for i in range(len(SENTENCES))]
    decoder = TaggerDecoder(tagger, vocabulary)
    known = decoder.scored_spans(SENTENCES, documents)
    asked = [[span[:3] for span in spans] for spans in known]
    for size in (1, 20):
        monkeypatch.setattr("rnner.decoding.batching._BLOCK_WORDS", size)
        found = decoder.scored_spans(SENTENCES, documents)
        assert [[span[:3] for span in spans] for spans in found] == asked
        scores = [span.score for spans in known for span in spans]
        assert [span.score for spans in found for span in spans] == pytest.approx(scores, abs=1e-5)
        again = decoder.probabilities(
            SENTENCES, [[tags.Span(*span) for span in own] for own in asked], documents
        )
        assert [span.score for spans in again for span in spans] == pytest.approx(scores, abs=1e-5)
