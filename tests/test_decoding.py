"""Decoding: words in, spans out, in the order they came, with exact probabilities."""

from itertools import pairwise, product

import pytest
import torch

from rnner.decoding import Decoder
from rnner.tags import TagError, to_spans
from tiny import DEV, TRAIN, tagger_of, words_of

SENTENCES = [*words_of(TRAIN), *words_of(DEV)]


def legal_sequences(vocabulary, length):
    for sequence in product(range(len(vocabulary.tags)), repeat=length):
        try:
            yield sequence, to_spans([vocabulary.tags[tag] for tag in sequence], vocabulary.scheme)
        except TagError:
            continue


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_scores_are_the_summed_probability_of_all_legal_taggings_with_the_entity(head):
    tagger, vocabulary = tagger_of(f"head={head}")
    words = ["Harry", "saw", "London"]
    (found,) = Decoder(tagger, vocabulary).scored_spans([words])
    batch = vocabulary.encode([words])
    with torch.no_grad():
        emissions = tagger(batch)[0].double()
        moves, edge = tagger.head.scores().double(), len(vocabulary.tags)
    weights = []
    for sequence, spans in legal_sequences(vocabulary, 3):
        steps = pairwise((edge, *sequence, edge))
        total = sum(emissions[i, tag] for i, tag in enumerate(sequence)) + sum(moves[a, b] for a, b in steps)
        weights.append((total.exp(), spans))
    z = sum(weight for weight, _ in weights)
    best = max(weights, key=lambda entry: entry[0])[1]
    assert found and [span[:3] for span in found] == [tuple(span) for span in best]
    for span in found:
        share = sum(weight for weight, spans in weights if span[:3] in [tuple(s) for s in spans]) / z
        assert span.score == pytest.approx(float(share), abs=1e-5)


def test_results_stand_in_the_order_of_the_sentences_and_empty_ones_have_none():
    tagger, vocabulary = tagger_of()
    decoder = Decoder(tagger, vocabulary, sentences=2)
    mixed = [[], SENTENCES[0], [], SENTENCES[5], SENTENCES[1], []]
    found = decoder.spans(mixed)
    assert [found[0], found[2], found[5]] == [[], [], []]
    for i in (1, 3, 4):
        assert found[i] == decoder.spans([mixed[i]])[0]
    assert any(found)


def test_no_sentences_give_no_results():
    tagger, vocabulary = tagger_of()
    assert Decoder(tagger, vocabulary).spans([]) == []
    assert Decoder(tagger, vocabulary).scored_spans([[], []]) == [[], []]


def test_spans_are_the_scored_spans_without_scores():
    tagger, vocabulary = tagger_of()
    decoder = Decoder(tagger, vocabulary)
    scored = decoder.scored_spans(SENTENCES)
    assert [[tuple(span) for span in spans] for spans in decoder.spans(SENTENCES)] == [
        [span[:3] for span in spans] for spans in scored
    ]
    assert all(0 <= span.score <= 1 for spans in scored for span in spans)


def test_a_sentence_beyond_the_bound_of_tokens_is_not_cut():
    tagger, vocabulary = tagger_of()
    long = SENTENCES[0] * 30
    bounded = Decoder(tagger, vocabulary, tokens=16)
    assert bounded.spans([long, *SENTENCES]) == Decoder(tagger, vocabulary).spans([long, *SENTENCES])
    assert bounded.spans([long])[0][-1].end > 16


def test_dropout_sleeps_while_decoding_and_the_mode_is_as_before_afterwards():
    tagger, vocabulary = tagger_of("dropout.input=0.9", "dropout.output=0.9", "dropout.words=0.9")
    decoder = Decoder(tagger, vocabulary)
    quiet = decoder.scored_spans(SENTENCES)
    tagger.train()
    assert decoder.scored_spans(SENTENCES) == quiet
    assert tagger.training and tagger.input_dropout.training


def test_the_mode_is_as_before_after_an_error_too():
    tagger, vocabulary = tagger_of()
    tagger.train()
    with pytest.raises(TypeError):
        Decoder(tagger, vocabulary).spans([[None]])
    assert tagger.training


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_readings_are_the_most_probable_legal_taggings_best_first(head):
    tagger, vocabulary = tagger_of(f"head={head}")
    decoder, words = Decoder(tagger, vocabulary), ["Harry", "saw", "London"]
    legal = sum(1 for _ in legal_sequences(vocabulary, 3))
    (every,) = decoder.readings([words], legal + 5)
    assert len(every) == legal and len({tuple(reading.spans) for reading in every}) == legal
    assert sum(reading.probability for reading in every) == pytest.approx(1, abs=1e-5)
    probabilities = [reading.probability for reading in every]
    assert probabilities == sorted(probabilities, reverse=True)
    assert decoder.spans([words]) == [every[0].spans]
    for found in decoder.scored_spans([words])[0]:
        held = [reading.probability for reading in every if tuple(found[:3]) in reading.spans]
        assert sum(held) == pytest.approx(found.score, abs=1e-5)


def test_readings_of_many_sentences_stay_in_order():
    decoder = Decoder(*tagger_of(), sentences=3)
    together = decoder.readings([*SENTENCES, []], 2)
    assert together[-1] == []
    for words, readings in zip(SENTENCES, together[:-1], strict=True):
        (alone,) = decoder.readings([words], 2)
        assert [reading.spans for reading in readings] == [reading.spans for reading in alone]
