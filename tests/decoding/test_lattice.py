"""Reading entities off a batch of tag sequences."""

import numpy as np
import pytest

from rnner import tags
from rnner.decoding.lattice import EntityExtractor


@pytest.mark.parametrize("scheme", tags.SCHEMES)
def test_entities_of_a_batch_equal_those_of_each_sentence(scheme):
    names = tags.tag_inventory(["LOC", "PER"], scheme)
    start, step, end = (np.array(allowed) for allowed in tags.transitions(names, scheme))
    draw, k = np.random.default_rng(1), len(names)
    paths, lengths = draw.integers(0, k, (200, 9)), draw.integers(1, 10, 200)
    for path, length in zip(paths, lengths, strict=True):
        while not (
            start[path[0]] and step[path[: length - 1], path[1:length]].all() and end[path[length - 1]]
        ):
            path[:length] = draw.integers(0, k, length) * (draw.random(length) < 0.5)
    places, labels = EntityExtractor(names, scheme).extract(paths, lengths)
    found = [[] for _ in paths]
    for (row, first, last), label in zip(places.tolist(), labels, strict=True):
        found[row].append((first, last, label))
    rows = zip(paths, lengths, strict=True)
    assert found == [tags.to_spans([names[tag] for tag in path[:length]], scheme) for path, length in rows]
    assert sum(map(len, found)) > 100


def test_without_entity_tags_there_are_no_entities():
    places, labels = EntityExtractor(["O", "S-LOC"], "bioes").extract(
        np.zeros((3, 4), dtype=np.int64), np.array([4, 1, 2])
    )
    assert places.shape == (0, 3) and labels == []
