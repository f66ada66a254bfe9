"""Agreement: words of a document with the same spelling share their emissions, and no others do."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnner.decoding.agreement import average_groups, same_spelling
from rnner.decoding.ensemble import Ensemble
from rnner.decoding.tagger_decoder import TaggerDecoder
from tiny_corpus import DEV, TRAIN, tagger_of, tagger_with_context, words_of

RESULTS, REPORT, COMMENT = (  # as in CoNLL-2003: a results table and its report
    sentence.split()
    for sentence in (
        "Leeds 1 Blackburn 2 .",
        "BLACKBURN , the town in the north of England , beat Leeds .",
        "I think leeds are blackburn 's I .",
    )
)
SENTENCES = [*words_of(TRAIN), *words_of(DEV)]
DOCUMENTS = [0, 0, 0, 1, 1, 1, 0, 2, 2, -1, 3, 0, 1]
WORDS = st.sampled_from(["Leeds", "LEEDS", "leeds", "Rangers", "A", "of", "1996", "Émile", "東京"])
SENTENCE = st.lists(WORDS, max_size=6)


def groups(sentences, documents):
    """Return the positions of the words in each group of at least two."""
    numbers = same_spelling(sentences, documents)
    found = [np.flatnonzero(numbers == number).tolist() for number in np.unique(numbers[numbers >= 0])]
    return [places for places in found if len(places) > 1]


def test_capitalised_words_of_a_document_are_grouped_ignoring_case():
    assert groups([RESULTS, REPORT, COMMENT], [0, 0, 0]) == [[0, 16], [2, 5]]


def test_words_of_different_documents_are_not_grouped():
    assert groups([RESULTS, REPORT, COMMENT], [0, 1, 1]) == []


@given(st.lists(st.tuples(SENTENCE, st.integers(0, 2)), max_size=6), st.floats(0.01, 1))
def test_averaging_follows_the_formula(marked, share):
    sentences, documents = [words for words, _ in marked], [document for _, document in marked]
    words = [(word, document) for own, document in zip(sentences, documents, strict=True) for word in own]
    emissions = np.random.default_rng(len(words)).normal(size=(len(words), 3))
    expected = emissions.copy()
    keys = [(word.lower(), document, word[0].isupper()) for word, document in words]
    for i, (word, _, capital) in enumerate(keys):
        if len(word) > 1 and capital:
            like = [j for j, key in enumerate(keys) if key == keys[i]]
            expected[i] = (1 - share) * emissions[i] + share * emissions[like].mean(0)
    found = average_groups(emissions, same_spelling(sentences, documents), share)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_input_is_unchanged_and_the_dtype_kept():
    emissions = np.arange(6, dtype=np.float32).reshape(2, 3)
    agreed = average_groups(emissions, np.array([0, 0]), 1.0)
    assert agreed.dtype == np.float32 and agreed.tolist() == [[1.5, 2.5, 3.5]] * 2
    assert emissions.tolist() == [[0, 1, 2], [3, 4, 5]]


def marginals(decoder, documents=DOCUMENTS):
    return decoder.marginals(SENTENCES, documents)


def close(left, right):
    return all(torch.allclose(one, other, atol=1e-5) for one, other in zip(left, right, strict=True))


@pytest.mark.parametrize("make", [tagger_of, tagger_with_context])
def test_every_way_of_decoding_uses_agreement(make):
    tagger, vocabulary = make("agreement=0.9")
    agreeing = TaggerDecoder(tagger, vocabulary)
    together, alone = marginals(agreeing), [agreeing.marginals([words])[0] for words in SENTENCES]
    if make is tagger_of:  # which does not use documents itself
        assert torch.allclose(together[9], alone[9], atol=1e-5)  # in no document
        assert (together[1] - alone[1]).abs().max() > 1e-3  # Hermione is also in the previous sentence
    spans = agreeing.spans(SENTENCES, DOCUMENTS)
    assert [[span[:3] for span in row] for row in agreeing.scored_spans(SENTENCES, DOCUMENTS)] == spans
    assert [reading.spans for (reading,) in agreeing.readings(SENTENCES, 1, DOCUMENTS)] == spans
    assert close(Ensemble([agreeing]).marginals(SENTENCES, DOCUMENTS), together)
    agreeing.agreement = None
    assert not close(marginals(agreeing), together)


def test_batches_order_and_empty_sentences_do_not_matter():
    tagger, vocabulary = tagger_with_context("agreement=0.5")
    expected = marginals(TaggerDecoder(tagger, vocabulary))
    assert close(marginals(TaggerDecoder(tagger, vocabulary, sentences=2, tokens=16)), expected)
    among = TaggerDecoder(tagger, vocabulary).marginals([[], *SENTENCES, []], [0, *DOCUMENTS, 9])
    assert close(among[1:-1], expected) and not len(among[0])
    order = list(reversed(range(len(SENTENCES))))
    turned = TaggerDecoder(tagger, vocabulary).marginals(
        [SENTENCES[i] for i in order], [DOCUMENTS[i] for i in order]
    )
    assert close([turned[i] for i in order], expected)


def test_words_agree_across_windows():
    tagger, vocabulary = tagger_of("agreement=0.9")
    hermione = SENTENCES[1]
    long, windowed = [*hermione, *SENTENCES[5] * 9, *hermione], TaggerDecoder(tagger, vocabulary, window=8)
    (agreed,) = windowed.marginals([long])
    windowed.agreement = None
    (before,) = windowed.marginals([long])
    assert len(agreed) == len(long) > 4 * 8
    assert (agreed[0] - before[0]).abs().max() > 1e-3  # the same word is several windows away
