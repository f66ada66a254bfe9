"""The best threshold: the same entities as a model with that threshold, and an honest interval."""

import numpy as np
import pytest

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.scoring.evaluation import evaluate
from rnner.scoring.metrics import score
from rnner.scoring.thresholds import THRESHOLDS, choose, f_beta, find_threshold, precision, spans_at
from tiny_corpus import DEV, TRAIN, split_of, tagger_of

CHECKED = (0.02, 0.1, 0.25, 0.33, 0.5, 0.62, 0.9, 0.99)


def decoder_of(seed=1, **limits):
    tagger, vocabulary = tagger_of(seed=seed)
    return TaggerDecoder(tagger, vocabulary, **limits)


@pytest.mark.parametrize("window", [4, 300])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_entities_are_those_of_a_model_with_that_threshold(seed, window):
    decoder, split = decoder_of(seed, window=window, sentences=3), split_of(TRAIN + DEV)
    now, found = spans_at(decoder, split, CHECKED)
    sentences, documents = split.sentences()[0], split.documents.tolist()
    assert now == decoder.spans(sentences, documents)
    for threshold, spans in zip(CHECKED, found, strict=True):
        decoder.threshold = threshold
        assert spans == decoder.spans(sentences, documents)
    assert len({sum(map(len, spans)) for spans in found}) > 3


def test_the_network_runs_once_whatever_the_number_of_thresholds(monkeypatch):
    decoder, calls = decoder_of(), []
    decode = decoder.decode
    monkeypatch.setattr(decoder, "decode", lambda *args: calls.append(1) or decode(*args))
    spans_at(decoder, split_of(TRAIN), THRESHOLDS)
    assert len(calls) == 2  # one for all thresholds, one for the present setting


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_best_threshold_is_that_of_brute_force(beta):
    decoder, split = decoder_of(2), split_of(TRAIN)
    report = find_threshold(decoder, split, beta=beta)
    values = {}
    for threshold in THRESHOLDS:
        decoder.threshold = threshold
        it = evaluate(decoder, split)
        total = beta**2 * it.precision + it.recall
        values[threshold] = (1 + beta**2) * it.precision * it.recall / total if total else 0.0
    assert {point.threshold: point.f_beta for point in report.points} == pytest.approx(values)
    assert report.best.f_beta == pytest.approx(max(values.values()))
    assert report.gain == pytest.approx(report.best.f_beta - report.now.f_beta)
    assert report.threshold_interval.low <= report.best.threshold <= report.threshold_interval.high
    assert report.gain_interval.low <= report.gain <= report.gain_interval.high


def test_scores_per_type_are_those_at_the_best_threshold():
    decoder, split = decoder_of(2), split_of(TRAIN)
    report = find_threshold(decoder, split)
    decoder.threshold = report.best.threshold
    found = decoder.spans(split.sentences()[0], split.documents.tolist())
    assert report.per_type == score(list(split.all_spans()), found, split.lengths.tolist()).per_type


def test_a_target_is_reached_by_the_lowest_threshold_with_that_precision():
    counts = np.array([[8, 16, 10], [8, 10, 10], [7, 7, 10], [3, 3, 10]])
    assert choose(counts, lambda own: f_beta(own, beta=1), 0.8) == 1
    assert choose(counts, lambda own: f_beta(own, beta=1), 1.0) == 2
    assert choose(counts, lambda own: f_beta(own, beta=1), None) == 2
    assert choose(counts[:1], lambda own: f_beta(own, beta=1), 0.8) is None
    assert precision(counts).tolist() == [0.5, 0.8, 1.0, 1.0]


def test_a_target_out_of_reach_has_no_best_threshold():
    decoder, split = decoder_of(), split_of("It [PER rained] .\nNobody saw [LOC the] dragon .")
    report = find_threshold(decoder, split, target=1.0)
    assert report.best is None
    assert report.to_dict()["best"] is None
    assert len(report.points) == len(THRESHOLDS)


def test_a_setting_that_the_model_has_is_the_one_compared_with():
    decoder, split = decoder_of(2), split_of(TRAIN)
    decoder.threshold = 0.5
    report = find_threshold(decoder, split)
    assert report.now == next(point for point in report.points if point.threshold == 0.5)


def test_equal_data_give_equal_reports():
    decoder, split = decoder_of(2), split_of(TRAIN)
    assert find_threshold(decoder, split).to_dict() == find_threshold(decoder, split).to_dict()
