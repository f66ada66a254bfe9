"""Decoding: entities in the order of the sentences, with exact probabilities."""

import random
from itertools import pairwise, product

import pytest
import torch

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.tags import Span, TagError, to_spans
from tiny_corpus import DEV, TRAIN, split_of, tagger_of, tagger_with_context, words_of

SENTENCES = [*words_of(TRAIN), *words_of(DEV)]


def legal_sequences(vocabulary, length):
    for sequence in product(range(len(vocabulary.tags)), repeat=length):
        try:
            yield sequence, to_spans([vocabulary.tags[tag] for tag in sequence], vocabulary.scheme)
        except TagError:
            continue


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_a_score_is_the_summed_probability_of_the_sequences_with_the_entity(head):
    tagger, vocabulary = tagger_of(f"head={head}")
    words = ["Harry", "saw", "London"]
    (found,) = TaggerDecoder(tagger, vocabulary).scored_spans([words])
    batch = vocabulary.encode([words]).to("cpu")
    with torch.no_grad():
        emissions = tagger(batch)[0].double()
        transitions, edge = tagger.head.transition_scores().double(), len(vocabulary.tags)
    weights = []
    for sequence, spans in legal_sequences(vocabulary, 3):
        steps = pairwise((edge, *sequence, edge))
        total = sum(emissions[i, tag] for i, tag in enumerate(sequence)) + sum(
            transitions[a, b] for a, b in steps
        )
        weights.append((total.exp(), spans))
    z = sum(weight for weight, _ in weights)
    best = max(weights, key=lambda entry: entry[0])[1]
    assert found and [span[:3] for span in found] == [tuple(span) for span in best]
    for span in found:
        share = sum(weight for weight, spans in weights if span[:3] in [tuple(s) for s in spans]) / z
        assert span.score == pytest.approx(float(share), abs=1e-5)


def test_results_keep_the_order_and_empty_sentences_have_none():
    tagger, vocabulary = tagger_of()
    decoder = TaggerDecoder(tagger, vocabulary, sentences=2)
    mixed = [[], SENTENCES[0], [], SENTENCES[5], SENTENCES[1], []]
    found = decoder.spans(mixed)
    assert [found[0], found[2], found[5]] == [[], [], []]
    for i in (1, 3, 4):
        assert found[i] == decoder.spans([mixed[i]])[0]
    assert any(found)


def test_no_sentences_give_no_results():
    tagger, vocabulary = tagger_of()
    assert TaggerDecoder(tagger, vocabulary).spans([]) == []
    assert TaggerDecoder(tagger, vocabulary).scored_spans([[], []]) == [[], []]


def test_spans_equal_scored_spans_without_scores():
    tagger, vocabulary = tagger_of()
    decoder = TaggerDecoder(tagger, vocabulary)
    scored = decoder.scored_spans(SENTENCES)
    assert [[tuple(span) for span in spans] for spans in decoder.spans(SENTENCES)] == [
        [span[:3] for span in spans] for spans in scored
    ]
    assert all(0 <= span.score <= 1 for spans in scored for span in spans)


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_with_a_threshold_all_entities_exceed_it_and_scores_are_unchanged(head):
    tagger, vocabulary = tagger_of(f"head={head}", "threshold=0.1")
    decoder = TaggerDecoder(tagger, vocabulary)
    found = decoder.scored_spans(SENTENCES)
    assert all(span.score > 0.1 for spans in found for span in spans)
    assert [[tuple(span) for span in spans] for spans in decoder.spans(SENTENCES)] == [
        [span[:3] for span in spans] for spans in found
    ]
    again = decoder.probabilities(SENTENCES, [[Span(*span[:3]) for span in spans] for spans in found])
    for spans, known in zip(found, again, strict=True):
        assert [span[:3] for span in spans] == [span[:3] for span in known]
        assert [span.score for span in spans] == pytest.approx([span.score for span in known], abs=1e-5)
    decoder.threshold = None
    assert any(found) and decoder.spans(SENTENCES) != [[Span(*s[:3]) for s in spans] for spans in found]


@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("options", [(), ("threshold=0.1",)])
def test_the_loss_is_that_of_training_without_dropout(head, options):
    tagger, vocabulary = tagger_of(f"head={head}", *options)
    sentences, tags = split_of(TRAIN).sentences()
    decoder = TaggerDecoder(tagger.train(), vocabulary, sentences=3)
    found, loss = decoder.spans_and_loss(sentences, tags)
    assert found == decoder.spans(sentences) and any(found)
    with torch.no_grad():
        assert loss == pytest.approx(float(tagger.eval().loss(vocabulary.encode(sentences, tags).to("cpu"))))


def test_sentences_with_unknown_tags_are_left_out_of_the_loss():
    tagger, vocabulary = tagger_of()
    decoder = TaggerDecoder(tagger, vocabulary)
    sentences, tags = split_of(TRAIN).sentences()
    new = [["Yule", "Ball"], ["S-EVENT", "O"]]
    _, loss = decoder.spans_and_loss([new[0], *sentences], [new[1], *tags])
    assert loss == pytest.approx(decoder.spans_and_loss(sentences, tags)[1])
    assert decoder.spans_and_loss([new[0]], [new[1]])[1] == 0.0


def test_a_long_sentence_has_the_loss_of_its_windows():
    tagger, vocabulary = tagger_of()
    words, tags = ["Harry", "saw", "it", "."] * 3, ["S-PER", "O", "O", "O"] * 3
    long = TaggerDecoder(tagger, vocabulary, window=8).spans_and_loss([words], [tags])[1]
    first, second = (words[:8], tags[:8]), (words[4:], tags[4:])  # the second ends with the sentence
    parts = TaggerDecoder(tagger, vocabulary).spans_and_loss(*map(list, zip(first, second, strict=True)))[1]
    assert long == pytest.approx(parts)


def test_a_sentence_longer_than_a_batch_is_not_truncated():
    tagger, vocabulary = tagger_of()
    long = SENTENCES[0] * 30
    bounded = TaggerDecoder(tagger, vocabulary, tokens=16)
    assert bounded.spans([long, *SENTENCES]) == TaggerDecoder(tagger, vocabulary).spans([long, *SENTENCES])
    assert bounded.spans([long])[0][-1].end > 16


def test_decoding_uses_evaluation_mode_and_restores_training_mode():
    tagger, vocabulary = tagger_of("dropout.input=0.9", "dropout.output=0.9", "dropout.words=0.9")
    decoder = TaggerDecoder(tagger, vocabulary)
    quiet = decoder.scored_spans(SENTENCES)
    tagger.train()
    assert decoder.scored_spans(SENTENCES) == quiet
    assert tagger.training and tagger.input_dropout.training


def test_training_mode_is_restored_after_an_error():
    tagger, vocabulary = tagger_of()
    tagger.train()
    with pytest.raises(TypeError):
        TaggerDecoder(tagger, vocabulary).spans([[None]])
    assert tagger.training


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_readings_are_the_most_probable_legal_sequences_best_first(head):
    tagger, vocabulary = tagger_of(f"head={head}")
    decoder, words = TaggerDecoder(tagger, vocabulary), ["Harry", "saw", "London"]
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


def test_readings_keep_the_order_of_sentences():
    decoder = TaggerDecoder(*tagger_of(), sentences=3)
    together = decoder.readings([*SENTENCES, []], 2)
    assert together[-1] == []
    for words, readings in zip(SENTENCES, together[:-1], strict=True):
        (alone,) = decoder.readings([words], 2)
        assert [reading.spans for reading in readings] == [reading.spans for reading in alone]


# --- documents and a lexicon -------------------------------------------------------------------------------

DOCUMENTS = [-1, 0, 0, 1, 1, 1, 2, 3, 3, 3, 3, 3, -1]


def close(left, right):
    return all(torch.allclose(one, other, atol=1e-5) for one, other in zip(left, right, strict=True))


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_with_documents_results_do_not_depend_on_batches_or_order(head):
    tagger, vocabulary = tagger_with_context(f"head={head}")
    decoder = TaggerDecoder(tagger, vocabulary)
    spans, marginals = decoder.spans(SENTENCES, DOCUMENTS), decoder.marginals(SENTENCES, DOCUMENTS)
    assert any(spans)
    for batch in (1, 7, 64):
        order = random.Random(batch).sample(range(len(SENTENCES)), len(SENTENCES))
        shuffled = [SENTENCES[i] for i in order], [DOCUMENTS[i] for i in order]
        other = TaggerDecoder(tagger, vocabulary, sentences=batch)
        assert other.spans(*shuffled) == [spans[i] for i in order]
        assert close(other.marginals(*shuffled), [marginals[i] for i in order])


def test_results_depend_on_the_document():
    decoder = TaggerDecoder(*tagger_with_context())
    sentence, letter, bank = SENTENCES[1], SENTENCES[8:10], SENTENCES[4:6]
    found = [decoder.marginals([sentence, *others], [0, 0, 0])[0] for others in (letter, bank)]
    assert (found[0] - found[1]).abs().max() > 1e-3


def test_unmarked_sentences_are_separate_documents():
    decoder = TaggerDecoder(*tagger_with_context())
    alone = [decoder.marginals([words])[0] for words in SENTENCES]
    marked, separate = DOCUMENTS.index(1), range(len(SENTENCES))
    assert close(decoder.marginals(SENTENCES), alone)
    assert close(decoder.marginals(SENTENCES, [-1] * len(SENTENCES)), alone)
    assert close(decoder.marginals(SENTENCES, list(separate)), alone)
    mixed = decoder.marginals(SENTENCES, DOCUMENTS)
    assert close([mixed[0], mixed[6], mixed[-1]], [alone[0], alone[6], alone[-1]])
    assert not torch.allclose(mixed[marked], alone[marked], atol=1e-3)


def test_scores_and_readings_use_the_document():
    decoder = TaggerDecoder(*tagger_with_context())
    spans = decoder.spans(SENTENCES, DOCUMENTS)
    scored = decoder.scored_spans(SENTENCES, DOCUMENTS)
    assert [[span[:3] for span in row] for row in scored] == [[tuple(span) for span in row] for row in spans]
    readings = decoder.readings(SENTENCES, 1, DOCUMENTS)
    assert [reading.spans for (reading,) in readings] == spans
    alone = decoder.readings(SENTENCES, 1)
    reported = [[reading.probability for (reading,) in rows] for rows in (readings, alone)]
    assert reported[0] != pytest.approx(reported[1], abs=1e-3)


def test_empty_sentences_do_not_change_their_document():
    decoder = TaggerDecoder(*tagger_with_context())
    expected = decoder.marginals(SENTENCES[:2], [0, 0])
    found = decoder.marginals([[], SENTENCES[0], [], SENTENCES[1], []], [0, 0, 0, 0, 5])
    assert close([found[1], found[3]], expected)
    assert [len(found[i]) for i in (0, 2, 4)] == [0, 0, 0]


def test_a_tagger_without_documents_ignores_them():
    decoder = TaggerDecoder(*tagger_of())
    assert decoder.scored_spans(SENTENCES, DOCUMENTS) == decoder.scored_spans(SENTENCES)


def test_every_sentence_needs_a_document_number():
    with pytest.raises(ValueError, match="zip"):
        TaggerDecoder(*tagger_with_context()).spans(SENTENCES, [0])
