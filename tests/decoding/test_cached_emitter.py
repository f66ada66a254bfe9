"""The cached emitter: the same emissions as the tagger, with each word form computed once."""

import gc
from weakref import ref

import pytest
import torch

from rnner.data.bags import bags_of_words, number_documents
from rnner.decoding.batching import SentencePart
from rnner.decoding.cached_emitter import CachedEmitter
from rnner.decoding.tagger_decoder import TaggerDecoder
from tiny_corpus import (
    CHARACTERS,
    DEV,
    TEST,
    TRAIN,
    tagger_of,
    tagger_that_composes,
    tagger_with_context,
    words_of,
)

SENTENCES = [*filter(None, words_of(TRAIN + DEV + TEST)), ["x" * 300, "(", "Zürich-based"], ["東京"]]
DOCUMENTS = [0, 0, 1, -1, 1, 2, *[-1] * 5, 3, 3, 3, 0, -1, 4]


def plain(tagger, vocabulary, sentences, documents):
    """Return the tagger's emissions for one batch of all sentences."""
    bags = None
    if tagger.document is not None:
        bags = bags_of_words(sentences, number_documents(documents).tolist(), vocabulary.row)
    return tagger(vocabulary.encode(sentences, bags=bags).to("cpu"))


def assert_same_emissions(tagger, vocabulary):
    cached, lengths = CachedEmitter(tagger, vocabulary), torch.tensor([len(words) for words in SENTENCES])
    parts = [SentencePart(i, 0, len(words)) for i, words in enumerate(SENTENCES)]
    emissions = cached.for_block(SENTENCES, number_documents(DOCUMENTS).tolist())
    expected = plain(tagger, vocabulary, SENTENCES, DOCUMENTS)
    inside = torch.arange(expected.shape[1]) < lengths[:, None]
    for _ in range(2):  # the second time, all forms are known
        found = emissions(parts)
        torch.testing.assert_close(found[inside], expected[inside], atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("make", [tagger_of, tagger_with_context, tagger_that_composes])
@pytest.mark.parametrize("characters", CHARACTERS)
@torch.no_grad()
def test_emissions_equal_the_taggers(make, characters):
    assert_same_emissions(*make(*CHARACTERS[characters]))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "gru", "gru_reset_after", "lstm", "none"])
@torch.no_grad()
def test_emissions_equal_the_taggers_with_any_encoder(cell, both, layers):
    encoder = (f"encoder.cell={cell}", f"encoder.bidirectional={both}", f"encoder.layers={layers}")
    assert_same_emissions(*tagger_with_context(*encoder))


@pytest.mark.parametrize("path", ["loop", "fused", "native"])
@torch.no_grad()
def test_emissions_equal_the_taggers_on_every_path(path):
    assert_same_emissions(*tagger_with_context("encoder.cell=lstm", f"encoder.path={path}"))


def test_weights_may_change_between_calls_of_a_decoder():
    tagger, vocabulary = tagger_with_context()
    decoder = TaggerDecoder(tagger, vocabulary)
    before = decoder.marginals(SENTENCES)
    with torch.no_grad():
        tagger.words.weight.mul_(-1)
    changed, fresh = decoder.marginals(SENTENCES), TaggerDecoder(tagger, vocabulary).marginals(SENTENCES)
    assert all(torch.equal(*pair) for pair in zip(changed, fresh, strict=True))
    assert not torch.allclose(changed[0], before[0], atol=1e-3)


def test_a_decoder_is_not_in_a_reference_cycle():
    gc.disable()  # a cycle would stay, and with it a cache of a hundred megabytes
    try:
        decoder = TaggerDecoder(*tagger_with_context(), final=True)
        decoder.spans(SENTENCES)
        known = ref(decoder._cached._forms)
        del decoder
        assert known() is None
    finally:
        gc.enable()
