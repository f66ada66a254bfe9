"""A tagger made ready: the same scores as the tagger itself gives, and words computed once."""

import gc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import pytest
import torch

from rnner.data.bags import bags_of, separate
from rnner.decoding.batching import SentencePart
from rnner.decoding.cached_tagger import CachedTagger, NumberedWords
from rnner.decoding.form_cache import FormCache
from rnner.decoding.tagger_decoder import TaggerDecoder
from tiny import CHARACTERS, DEV, TEST, TRAIN, tagger_of, tagger_that_composes, tagger_with_context, words_of

SENTENCES = [*filter(None, words_of(TRAIN + DEV + TEST)), ["x" * 300, "(", "Zürich-based"], ["東京"]]
DOCUMENTS = [0, 0, 1, -1, 1, 2, *[-1] * 5, 3, 3, 3, 0, -1, 4]


def plain(tagger, vocabulary, sentences, documents):
    """What the tagger gives for a batch of all sentences."""
    bags = None
    if tagger.document is not None:
        bags = bags_of(sentences, separate(documents).tolist(), vocabulary.row)
    return tagger(vocabulary.encode(sentences, bags=bags).to("cpu"))


def assert_prepared_alike(tagger, vocabulary):
    prepared = CachedTagger(tagger, vocabulary)
    numbers, lengths = separate(DOCUMENTS), torch.tensor([len(words) for words in SENTENCES])
    words, pieces = (
        NumberedWords(SENTENCES),
        [SentencePart(i, 0, len(words)) for i, words in enumerate(SENTENCES)],
    )
    about = prepared.about(words, numbers.tolist())[numbers] if tagger.document is not None else None
    expected = plain(tagger, vocabulary, SENTENCES, DOCUMENTS)
    inside = torch.arange(expected.shape[1]) < lengths[:, None]
    for _ in range(2):  # the second time, all forms are known
        found = prepared.emissions(words, pieces, about)
        torch.testing.assert_close(found[inside], expected[inside], atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("make", [tagger_of, tagger_with_context, tagger_that_composes])
@pytest.mark.parametrize("characters", CHARACTERS)
@torch.no_grad()
def test_scores_are_those_of_the_tagger(make, characters):
    assert_prepared_alike(*make(*CHARACTERS[characters]))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "gru", "gru_reset_after", "lstm", "none"])
@torch.no_grad()
def test_scores_are_those_of_the_tagger_with_any_encoder(cell, both, layers):
    encoder = (f"encoder.cell={cell}", f"encoder.bidirectional={both}", f"encoder.layers={layers}")
    assert_prepared_alike(*tagger_with_context(*encoder))


@pytest.mark.parametrize("path", ["loop", "fused", "native"])
@torch.no_grad()
def test_the_path_that_the_config_names_is_taken(path):
    assert_prepared_alike(*tagger_with_context("encoder.cell=lstm", f"encoder.path={path}"))


def test_weights_may_change_between_the_calls_of_a_decoder():
    tagger, vocabulary = tagger_with_context()
    decoder = TaggerDecoder(tagger, vocabulary)
    before = decoder.marginals(SENTENCES)
    with torch.no_grad():
        tagger.words.weight.mul_(-1)
    changed, fresh = decoder.marginals(SENTENCES), TaggerDecoder(tagger, vocabulary).marginals(SENTENCES)
    assert all(torch.equal(*pair) for pair in zip(changed, fresh, strict=True))
    assert not torch.allclose(changed[0], before[0], atol=1e-3)


def test_nothing_is_left_of_a_decoder_that_is_no_longer_needed():
    gc.disable()  # a cycle would stay, and with it what is known of words: a hundred megabytes
    try:
        decoder = TaggerDecoder(*tagger_with_context(), final=True)
        decoder.spans(SENTENCES)
        known = ref(decoder._prepared._forms)
        del decoder
        assert known() is None
    finally:
        gc.enable()


# --- forms that are known -----------------------------------------------------------------------------------


class Counting:
    """Computes two rows of a form from its length, and counts how often."""

    def __init__(self):
        self.seen = Counter()

    def __call__(self, forms):
        self.seen.update(forms)
        sizes = torch.tensor([[float(len(form))] for form in forms])
        return [sizes, sizes * torch.tensor([[1.0, 2.0, 3.0]])]


def right(forms, known):
    (one, other), rows = known.rows(forms)
    sizes = [len(form) for form in forms]
    return one[rows].flatten().tolist() == sizes and other[rows, 2].tolist() == [3 * size for size in sizes]


def test_a_form_is_computed_once_while_there_is_room():
    count = Counting()
    known = FormCache(count, [1, 3], room=4)
    for forms in (["a", "bb"], ["bb", "ccc"], ["a", "ccc", "bb"]):
        assert right(forms, known)
    assert count.seen == {"a": 1, "bb": 1, "ccc": 1}


def test_what_is_not_asked_for_again_falls_away_and_what_is_stays():
    count = Counting()
    known = FormCache(count, [1, 3], room=3)
    for forms in (["old", "used"], ["new"], ["used", "next"], ["later"], ["used", "last"], ["more"]):
        assert right(forms, known)
    assert count.seen == dict.fromkeys(["old", "used", "new", "next", "later", "last", "more"], 1)
    known.rows(["old", "used"])
    assert (count.seen["old"], count.seen["used"]) == (2, 1)


@pytest.mark.parametrize("room", [1, 2, 3, 7])
def test_more_forms_than_there_is_room_for_are_right_too(room, monkeypatch):
    monkeypatch.setattr("rnner.decoding.form_cache._TOGETHER", 2)
    known = FormCache(Counting(), [1, 3], room=room)
    for start in range(20):
        forms = ["x" * (1 + (start * 7 + i) % 23) for i in range(1 + start % 9)]
        assert right(forms, known)


def test_what_was_given_stays_as_it_was_whatever_comes_after():
    known = FormCache(Counting(), [1, 3], room=2)
    (one, other), rows = known.rows(["a", "bb"])
    for size in range(3, 20):
        known.rows(["x" * size, "y" * size])
    assert one[rows].flatten().tolist() == [1, 2] and other[rows, 2].tolist() == [3, 6]


def test_threads_share_what_is_known():
    known = FormCache(Counting(), [1, 3], room=5)

    def ask(seed):
        forms = [["x" * (1 + (seed * 5 + step * 3 + i) % 13) for i in range(4)] for step in range(200)]
        return all(right(own, known) for own in forms)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(4)))
