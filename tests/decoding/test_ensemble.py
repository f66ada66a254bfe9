"""Ensembles: averaged marginals, and the best legal tags under them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from rnner.decoding.ensemble import Ensemble
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import UsageError
from rnner.scoring.evaluation import evaluate, evaluation_report
from rnner.scoring.metrics import score
from rnner.tags import TagError, to_spans
from tiny_corpus import DEV, TRAIN, split_of, tagger_of, tagger_with_context, vocabulary_of, words_of

SENTENCES = [*words_of(TRAIN), *words_of(DEV)]


def decoder_of(*overrides, **options):
    return TaggerDecoder(*tagger_of(*overrides, **options))


@pytest.fixture(scope="module")
def members():
    """Three models that share only labels and tag scheme."""
    return [
        decoder_of(),
        decoder_of("head=softmax", "encoder.cell=lstm", "encoder.hidden=5", seed=2),
        decoder_of("embeddings.characters=null", seed=3, vocabulary=vocabulary_of(min_count=2)),
    ]


def equal(left, right):
    return all(torch.allclose(one, other, atol=1e-6) for one, other in zip(left, right, strict=True))


def test_marginals_are_the_mean_of_the_members(members):
    each = [member.marginals(SENTENCES) for member in members]
    for words, mean, *own in zip(SENTENCES, Ensemble(members).marginals(SENTENCES), *each, strict=True):
        torch.testing.assert_close(mean, torch.stack(own).mean(0))
        torch.testing.assert_close(mean.sum(-1), torch.ones(len(words)))


def test_the_tags_maximise_the_product_of_averaged_marginals(members):
    words = ["Harry", "saw", "London"]
    ensemble, vocabulary = Ensemble(members), vocabulary_of()
    mean = ensemble.marginals([words])[0].double().numpy()
    best, best_spans = -1.0, None
    for sequence in product(range(len(vocabulary.tags)), repeat=3):
        try:
            spans = to_spans([vocabulary.tags[tag] for tag in sequence], vocabulary.scheme)
        except TagError:
            continue
        weight = np.prod(mean[range(3), sequence])
        if weight > best:
            best, best_spans = weight, spans
    assert ensemble.spans([words]) == [best_spans]


def sure_of(tag, *overrides):
    """Return a decoder that gives one tag the probability 0.62 everywhere, and O 0.38."""
    tagger, vocabulary = tagger_of("head=softmax", *overrides)
    with torch.no_grad():
        tagger.emission.weight.zero_()
        tagger.emission.bias.fill_(-20)
        tagger.emission.bias[vocabulary.tags.index("O")] = 0.0
        tagger.emission.bias[vocabulary.tags.index(tag)] = 0.5
    return TaggerDecoder(tagger, vocabulary)


def test_the_majority_wins():
    person, place = sure_of("S-PER"), sure_of("S-LOC")
    assert [span.label for span in person.spans([["Oslo"]])[0]] == ["PER"]
    assert [span.label for span in Ensemble([place, person, place]).spans([["Oslo"]])[0]] == ["LOC"]
    assert Ensemble([person, place]).spans([["Oslo"]]) == [[]]  # O is 0.38 of both, each name 0.31


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_an_ensemble_of_one_model_equals_the_model(head):
    alone = decoder_of(f"head={head}")
    one, three = Ensemble([alone]), Ensemble([alone] * 3)
    assert equal(one.marginals(SENTENCES), alone.marginals(SENTENCES))
    assert equal(three.marginals(SENTENCES), alone.marginals(SENTENCES))
    assert one.spans(SENTENCES) == three.spans(SENTENCES)


def test_results_do_not_depend_on_batches_or_order(members):
    expected = Ensemble(members).spans(SENTENCES)
    assert any(expected)
    small = [TaggerDecoder(member.tagger, member.vocabulary, sentences=3) for member in members]
    assert Ensemble(small).spans(SENTENCES) == expected
    assert Ensemble(members[::-1]).spans(SENTENCES) == expected
    assert Ensemble(members).spans(SENTENCES[::-1]) == expected[::-1]
    assert [Ensemble(members).spans([words])[0] for words in SENTENCES] == expected
    assert Ensemble(members).spans([[], SENTENCES[0], []]) == [[], expected[0], []]
    assert Ensemble(members).spans([]) == []


def test_tags_are_averaged_by_name():
    tagger, vocabulary = tagger_of("head=softmax")
    turned, other = tagger_of("head=softmax", vocabulary=replace(vocabulary, tags=vocabulary.tags[::-1]))
    turned.load_state_dict(tagger.state_dict())
    with torch.no_grad():
        turned.emission.weight.copy_(tagger.emission.weight.flip(0))
    alone = TaggerDecoder(tagger, vocabulary)
    assert not equal(TaggerDecoder(turned, other).marginals(SENTENCES), alone.marginals(SENTENCES))
    both = Ensemble([alone, TaggerDecoder(turned, other)])
    assert equal(both.marginals(SENTENCES), alone.marginals(SENTENCES))


def test_an_ensemble_can_be_evaluated(members):
    ensemble, split = Ensemble(members), split_of(DEV)
    reported = evaluation_report(ensemble, split)
    assert reported.scores == evaluate(ensemble, split)
    assert reported.scores.predicted == sum(map(len, ensemble.spans(split.sentences()[0])))


def test_members_with_different_labels_are_refused():
    fewer = decoder_of(vocabulary=vocabulary_of("[PER Ada] slept .\n[LOC Oslo] too ."))
    with pytest.raises(UsageError, match=r"model 1 has the labels LOC, MISC, ORG, PER, model 2 has LOC, PER"):
        Ensemble([decoder_of(), fewer])


def test_members_with_different_schemes_are_refused():
    with pytest.raises(UsageError, match="the same tag scheme, got bioes, iob2"):
        Ensemble([decoder_of(), decoder_of(vocabulary=vocabulary_of(scheme="iob2"))])


def test_an_ensemble_needs_a_member():
    with pytest.raises(ValueError, match="at least one member"):
        Ensemble([])


# --- thresholds --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def eager():
    """Members with different thresholds."""
    return [decoder_of("threshold=0.1"), decoder_of("threshold=0.2", "head=softmax", seed=2)]


def test_with_thresholds_the_mean_probability_decides(eager):
    ensemble, several = Ensemble(eager), 0
    assert ensemble.threshold == pytest.approx(0.15)
    for words, found in zip(SENTENCES, ensemble.spans(SENTENCES), strict=True):
        each = [{span[:3]: span.score for span in member.candidates([words], 1e-9)[0]} for member in eager]
        means = {span: sum(own.get(span, 0) for own in each) / 2 for span in {*each[0], *each[1]}}
        assert all(means[span] > 0.15 for span in map(tuple, found))
        for span in {span for span, mean in means.items() if mean > 0.151} - {*map(tuple, found)}:
            assert any(span[0] < end and start < span[1] for start, end, _ in found)  # a better one overlaps
        several += len(found) > 1
    assert several


def test_entities_below_the_mean_threshold_are_not_found():
    person, place = (sure_of(tag, "threshold=0.35") for tag in ("S-PER", "S-LOC"))
    assert [len(Ensemble(own).spans([["Oslo"]])[0]) for own in ([person], [person, place])] == [1, 0]


def test_with_thresholds_an_ensemble_of_one_model_equals_the_model(eager):
    for alone in eager:
        assert Ensemble([alone] * 3).spans(SENTENCES) == alone.spans(SENTENCES)
    assert Ensemble(eager).spans(SENTENCES) == Ensemble(eager[::-1]).spans(SENTENCES)
    assert Ensemble(eager).spans([[], SENTENCES[0]]) == [[], *Ensemble(eager).spans(SENTENCES[:1])]


def test_if_a_member_has_no_threshold_marginals_decide(eager, members):
    together = Ensemble([eager[0], members[0]])  # the same weights as the other
    assert together.threshold is None
    assert together.spans(SENTENCES) == Ensemble(members[:1]).spans(SENTENCES) != eager[0].spans(SENTENCES)


# --- documents ---------------------------------------------------------------------------------------------

DOCUMENTS = [-1, 0, 0, 1, 1, 1, 2, 3, 3, 3, 3, 3, -1]


@pytest.fixture(scope="module")
def readers(members):
    """Two members that use documents, and one that does not."""
    return [TaggerDecoder(*tagger_with_context(seed=seed)) for seed in (5, 6)] + members[:1]


def test_each_member_gets_the_documents(readers):
    each = [member.marginals(SENTENCES, DOCUMENTS) for member in readers]
    expected = [torch.stack(own).mean(0) for own in zip(*each, strict=True)]
    ensemble = Ensemble(readers)
    assert equal(ensemble.marginals(SENTENCES, DOCUMENTS), expected)
    assert not equal(ensemble.marginals(SENTENCES), expected)


def test_with_documents_results_do_not_depend_on_batches_or_order(readers):
    expected = Ensemble(readers).spans(SENTENCES, DOCUMENTS)
    assert any(expected) and expected != Ensemble(readers).spans(SENTENCES)
    for size in (1, 3):
        small = [TaggerDecoder(member.tagger, member.vocabulary, sentences=size) for member in readers]
        assert Ensemble(small).spans(SENTENCES, DOCUMENTS) == expected
    assert Ensemble(readers).spans(SENTENCES[::-1], DOCUMENTS[::-1]) == expected[::-1]
    assert Ensemble(readers).spans([[], *SENTENCES], [0, *DOCUMENTS]) == [[], *expected]


def test_evaluation_passes_the_documents_of_the_split(readers):
    split = split_of(TRAIN, documents=DOCUMENTS[:10])
    ensemble, words = Ensemble(readers), split.sentences()[0]
    reported = evaluation_report(ensemble, split).scores
    assert reported == evaluate(ensemble, split)
    expected = ensemble.spans(words, DOCUMENTS[:10])
    assert expected != ensemble.spans(words)
    assert reported == score(list(split.all_spans()), expected, split.lengths.tolist())
