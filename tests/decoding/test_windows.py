"""Overlapping windows over long sentences, and their results joined again."""

from itertools import pairwise

import pytest
import torch

from rnner.decoding.ensemble import Ensemble
from rnner.decoding.spans import Reading, ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.decoding.windows import Window, join_readings, join_spans, split_into_windows
from rnner.tags import Span
from tiny_corpus import DEV, TRAIN, tagger_of, tagger_with_context, words_of

SENTENCES = [*words_of(TRAIN), *words_of(DEV)]
LONG = [word for _ in range(4) for words in SENTENCES for word in words]
CUTS = [Window(0, 8, 0, 7), Window(6, 14, 7, 14)]


@pytest.mark.parametrize("most", [1, 2, 7, 16])
@pytest.mark.parametrize("length", [1, 7, 16, 17, 18, 40, 1000])
def test_every_word_is_decided_by_one_window(length, most):
    cuts = split_into_windows(length, most)
    assert [word for cut in cuts for word in range(cut.left_seam, cut.right_seam)] == list(range(length))
    assert all(cut.start <= cut.left_seam < cut.right_seam <= cut.end <= cut.start + most for cut in cuts)


def test_seams_are_in_the_middle_of_overlaps():
    cuts = split_into_windows(1000, 64)
    assert [(cut.start, cut.end) for cut in cuts[:2]] == [(0, 64), (48, 112)]
    assert all(a.end - a.right_seam == b.left_seam - b.start == 8 for a, b in pairwise(cuts[:-1]))
    assert cuts[-1].end - cuts[-1].start == 64


def test_an_entity_belongs_to_the_window_of_its_first_word():
    left, right = (
        [Span(1, 3, "PER"), Span(6, 8, "ORG"), Span(7, 8, "LOC")],
        [Span(0, 1, "LOC"), Span(1, 4, "PER")],
    )
    assert join_spans(CUTS, [left[:2], []]) == [(1, 3, "PER"), (6, 8, "ORG")]
    assert join_spans(CUTS, [left[2:], right]) == [(7, 10, "PER")]


def test_an_entity_across_a_seam_replaces_what_overlaps_it():
    crossing, inside, behind = Span(6, 8, "ORG"), Span(1, 2, "PER"), Span(2, 3, "LOC")
    assert join_spans(CUTS, [[crossing], [inside, behind]]) == [(6, 8, "ORG"), (8, 9, "LOC")]


def test_readings_are_joined_by_the_product_of_their_probabilities():
    left = [Reading([Span(0, 1, "A")], 0.6), Reading([], 0.3), Reading([Span(7, 8, "X")], 0.1)]
    right = [
        Reading([Span(1, 2, "B")], 0.5),
        Reading([Span(0, 1, "Y"), Span(1, 2, "B")], 0.3),
        Reading([], 0.2),
    ]
    best = join_readings(CUTS, [left, right], 3)
    assert [spans for spans, _ in best] == [[(0, 1, "A"), (7, 8, "B")], [(7, 8, "B")], [(0, 1, "A")]]
    assert [probability for _, probability in best] == pytest.approx([0.6 * 0.8, 0.4 * 0.8, 0.6 * 0.2])


def test_longer_sentences_do_not_change_shorter_ones():
    tagger, vocabulary = tagger_of()
    longest = max(map(len, SENTENCES))
    found = TaggerDecoder(tagger, vocabulary, window=longest).scored_spans([LONG, *SENTENCES, LONG])
    assert found[1:-1] == TaggerDecoder(tagger, vocabulary, window=10**9).scored_spans(SENTENCES)
    assert found[0] == found[-1] != []


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_wide_windows_equal_the_whole_sentence(head):
    tagger, vocabulary = tagger_with_context(f"head={head}")
    cut, whole = (TaggerDecoder(tagger, vocabulary, window=most) for most in (256, 10**9))
    assert len(LONG) > 256 + 100
    assert cut.spans([LONG]) == whole.spans([LONG])
    (marginals,), (expected,) = cut.marginals([LONG]), whole.marginals([LONG])
    assert torch.allclose(marginals, expected, atol=1e-4)
    assert cut.readings([LONG], 1)[0][0].spans == whole.readings([LONG], 1)[0][0].spans


def test_windows_use_the_whole_document():
    tagger, vocabulary = tagger_with_context()
    decoder = TaggerDecoder(tagger, vocabulary, window=16)
    (known,), (other,) = (decoder.marginals([[*LONG, word]], [0]) for word in ("rained", "Gringotts"))
    assert LONG[-1] != LONG[0] and not torch.allclose(known[:8], other[:8], atol=1e-4)


def test_narrow_windows_give_ordered_disjoint_entities():
    tagger, vocabulary = tagger_of()
    for decoder in (
        TaggerDecoder(tagger, vocabulary, window=3),
        Ensemble([TaggerDecoder(tagger, vocabulary, window=3)]),
    ):
        (spans,) = decoder.spans([LONG])
        assert len(spans) > 10 and spans[-1].end > len(LONG) - 15
        assert all(0 <= a.start < a.end <= b.start < b.end <= len(LONG) for a, b in pairwise(spans))
        (marginals,) = decoder.marginals([LONG])
        assert torch.allclose(marginals.sum(1), torch.ones(len(LONG)))


def test_an_entity_has_the_probability_of_its_window():
    tagger, vocabulary = tagger_of()
    decoder, cuts = TaggerDecoder(tagger, vocabulary, window=16), split_into_windows(len(LONG), 16)
    alone = decoder.scored_spans([LONG[cut.start : cut.end] for cut in cuts])
    (found,), expected = decoder.scored_spans([LONG]), join_spans(cuts, alone)
    assert [span[:3] for span in found] == [span[:3] for span in expected]
    assert [s.score for s in found] == pytest.approx([s.score for s in expected], abs=1e-5)
    assert isinstance(found[0], ScoredSpan)
