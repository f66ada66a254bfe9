"""Entities above a threshold, compared with sums over all sequences by brute force."""

from itertools import combinations, pairwise, product

import numpy as np
import pytest

from rnner import tags
from rnner.decoding.crf_numpy import NumpyLattice
from rnner.decoding.lattice import EntityExtractor
from rnner.decoding.threshold import best_non_overlapping
from rnner.tags import tag_inventory, to_spans

LABELS = ["LOC", "PER"]


def scores(scheme, seed, length=4):
    """Return tag names, and random emissions and transitions for one sentence."""
    generator = np.random.default_rng(seed)
    names = tag_inventory(LABELS, scheme)
    k = len(names)
    emissions = 2 * generator.standard_normal((1, length, k))
    start, step, end = (np.array(allowed) for allowed in tags.transitions(names, scheme))
    allowed = np.block([[step, end[:, None]], [start, np.array([False])]])
    return names, emissions, np.where(allowed, generator.standard_normal((k + 1, k + 1)), -np.inf)


def lattice_of(names, scheme, emissions, transitions):
    boundary = np.array(tags.boundaries(names, scheme))
    return NumpyLattice(emissions, np.array([emissions.shape[1]]), transitions, boundary)


def probabilities(names, scheme, emissions, transitions):
    """Return the probability of each possible entity of the sentence."""
    _, length, k = emissions.shape
    weights = {}
    for path in product(range(k), repeat=length):
        along = [k, *path, k]
        score = sum(transitions[a, b] for a, b in pairwise(along))
        if np.isfinite(score):
            weights[path] = np.exp(score + sum(emissions[0, i, tag] for i, tag in enumerate(path)))
    total, truth = sum(weights.values()), {}
    for path, weight in weights.items():
        for span in to_spans([names[tag] for tag in path], scheme):
            truth[span] = truth.get(span, 0) + weight / total
    return truth


def best_of(truth, threshold):
    """Return the disjoint entities with the largest sum of probability minus threshold."""
    probable = [span for span, p in truth.items() if p > threshold]
    sets = [c for n in range(len(probable) + 1) for c in combinations(probable, n) if _disjoint(c)]
    return set(max(sets, key=lambda chosen: sum(truth[span] - threshold for span in chosen)))


def _disjoint(spans):
    return all(a.end <= b.start or b.end <= a.start for a, b in combinations(spans, 2))


@pytest.mark.parametrize("scheme", ["bioes", "iob2", "iob1"])
@pytest.mark.parametrize("threshold", [0.05, 0.25, 0.6])
def test_the_best_disjoint_entities_have_exact_probabilities(scheme, threshold):
    several = 0
    for seed in range(5):
        names, emissions, transitions = scores(scheme, seed)
        table, truth = EntityExtractor(names, scheme), probabilities(names, scheme, emissions, transitions)
        probable = lattice_of(names, scheme, emissions, transitions).candidates(
            table.label_numbers, threshold
        )
        found = best_non_overlapping(probable, threshold)
        spans = {tags.Span(e.start, e.end, table.labels[e.label]): e.score for e in found}
        assert len(probable) == sum(p > threshold for p in truth.values())
        assert set(spans) == best_of(truth, threshold)
        assert spans == pytest.approx({span: truth[span] for span in spans})
        assert [e.start for e in found] == sorted(e.start for e in found)
        several += len(found) > 1
    assert several or threshold > 0.5


@pytest.mark.parametrize("scale", [1e3, 1e6, np.inf])
def test_scores_of_any_size_give_valid_probabilities(scale):
    names, emissions, transitions = scores("bioes", 0)
    with np.errstate(invalid="ignore"):
        lattice = lattice_of(names, "bioes", emissions * scale, transitions)
        found = lattice.candidates(EntityExtractor(names, "bioes").label_numbers, 0.25)
    assert all(0.25 < entity.score < 1 + 1e-9 for entity in found)
    assert bool(found) == np.isfinite(scale)


def test_a_tagger_without_labels_finds_nothing():
    alone = NumpyLattice(
        np.zeros((1, 3, 1)), np.array([3]), np.array([[0.0, 0], [0, -np.inf]]), np.ones((1, 1), bool)
    )
    assert alone.candidates(np.array([-1]), 0.25) == []
