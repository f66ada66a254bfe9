"""The uncertainty of texts, in bits of possible entities."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import rnner
from rnner.active_learning.uncertainty import LEAST, binary_entropy, entity_bits, uncertain_names
from rnner.decoding.spans import ScoredSpan
from rnner.tags import Span

ADA, BELL = ScoredSpan(0, 2, "PER", 0.5), ScoredSpan(4, 5, "ORG", 1.0)


@pytest.mark.parametrize(
    ("p", "bits"), [(0.5, 1.0), (0.0, 0.0), (1.0, 0.0), (1.0000001, 0.0), (0.25, 0.8112781)]
)
def test_a_fair_coin_is_one_bit(p: float, bits: float) -> None:
    assert binary_entropy(p) == pytest.approx(bits)
    assert binary_entropy(1 - p) == pytest.approx(bits)


def test_one_model_is_as_uncertain_as_its_entities() -> None:
    assert entity_bits([[ADA, BELL]]) == {Span(0, 2, "PER"): 1.0, Span(4, 5, "ORG"): 0.0}
    assert entity_bits([[]]) == {}


def test_models_that_are_sure_but_disagree_are_uncertain_together() -> None:
    sure = ADA._replace(score=1.0)
    assert entity_bits([[sure], [sure]]) == {Span(0, 2, "PER"): 0.0}
    assert entity_bits([[sure], []]) == {Span(0, 2, "PER"): 1.0}
    other_label = sure._replace(label="ORG")
    assert sum(entity_bits([[sure], [other_label]]).values()) == 2.0


def test_disagreement_adds_to_the_mean_uncertainty_of_the_models() -> None:
    """H(mean p) = mean H(p) + the Jensen-Shannon divergence of the models, which is never negative."""
    for p, q in product((0.06, 0.3, 0.5, 0.9), repeat=2):
        own = [[ADA._replace(score=p)], [ADA._replace(score=q)]]
        together = sum(entity_bits(own).values())
        apart = np.mean([sum(entity_bits([it]).values()) for it in own])
        assert together >= apart - 1e-12 and (together > apart + 1e-9) == (p != q)


def test_the_probabilities_are_those_of_all_tag_sequences(trained: Path) -> None:
    """The bits of a sentence agree with the sum over its most probable readings."""
    pipeline = rnner.load(trained)
    words = ["Hedy", "Turing", "met", "Rand", "of", "Oslo", "."]
    documents = pipeline.tag_documents([words])
    (readings,) = pipeline.decoder.readings([words], 1000)
    probability: dict[Span, float] = {}
    for spans, p in readings:
        for span in spans:
            probability[span] = probability.get(span, 0.0) + p
    expected: dict[str, float] = {}
    for span, p in probability.items():
        if p > LEAST:
            name = " ".join(words[span.start : span.end]).lower()
            expected[name] = expected.get(name, 0.0) + binary_entropy(p)
    (names,) = uncertain_names(documents, [pipeline])
    assert names.keys() == expected.keys() and len(names) > 1
    assert sum(names.values()) == pytest.approx(sum(expected.values()), abs=1e-3)
    assert math.isfinite(sum(names.values()))
    assert uncertain_names(documents, [pipeline, pipeline]) == [pytest.approx(names)]


def test_a_text_adds_up_its_sentences_and_known_text_is_certain(trained: Path) -> None:
    pipeline = rnner.load(trained)
    known = "Ada Lovelace wrote to Charles Babbage."
    odd = "Hedy Turing met Rand of Oslo."
    documents = pipeline.documents([known, odd, f"{odd} {known}", ""])
    of_known, of_odd, of_both, of_none = (sum(it.values()) for it in uncertain_names(documents, [pipeline]))
    assert of_known < of_odd and of_none == 0
    assert of_both == pytest.approx(of_known + of_odd, abs=0.05)
