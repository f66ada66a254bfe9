"""A dev split held out from train: a random tenth that has entities and leaves every label in train.

Whole documents are held out if there are enough of them, otherwise sentences. Both are called units below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rnner.data.splits import Split
from rnner.data.tag_sets import certain_label
from rnner.data.token_table import Indices, word_blocks
from rnner.errors import DataError

# With fewer documents, sentences are held out instead: a tenth of the documents would be too few.
_MIN_DOCUMENTS = 20


def hold_out(whole: Split, *, seed: int) -> tuple[Split, Split, str]:
    """Move a random tenth of the sentences from train to dev; return both, and a note.

    A unit with the last entities of a label stays in train. If the tenth has no entities although two units
    have some, one of them replaces the last unit of the tenth.

    Args:
        whole: the training split; it has entities.
        seed: seed of the random order.

    Raises:
        DataError: there is only one sentence.
    """
    if len(whole) < 2:
        raise DataError("cannot hold out a dev split from a single sentence; set data.dev", whole.path)
    unit_of = np.unique(whole.documents, return_inverse=True)[1]
    labels = _labels_of_units(whole, unit_of)
    by_document = len(labels) >= _MIN_DOCUMENTS and np.count_nonzero(labels.any(axis=1)) > 1
    if not by_document:
        unit_of = np.arange(len(whole))
        labels = _labels_of_units(whole, unit_of)
    order = np.random.default_rng(seed).permutation(len(labels))
    candidates = _dispensable(order, labels)
    if by_document:  # as many documents as contain about a tenth of the sentences
        held = list(candidates)
        sentences = np.append(0, np.cumsum(np.bincount(unit_of)[held]))
        held = held[: max(1, int(np.abs(sentences - len(whole) / 10).argmin()))]
    else:
        held = list(islice(candidates, max(1, round(len(whole) / 10))))
    if not labels[held].any() and (unit := _unit_with_entities(order, labels)) is not None:
        held[-1:] = [unit]
    dev = np.isin(unit_of, held)
    kept, chosen = whole.select(np.flatnonzero(~dev)), whole.select(np.flatnonzero(dev))
    note = (
        f"no dev file: {len(chosen):,} of the {len(whole):,} sentences of {whole.path} are held out as dev "
        f"(seed {seed}{', whole documents' if by_document else ''})"
    )
    return kept, replace(chosen, name="dev"), note


def _labels_of_units(split: Split, unit_of: Indices) -> NDArray[np.bool_]:
    """Return which labels each unit has, `[u, l]`; `unit_of` `[s]` is the unit of each sentence."""
    column = {label: number for number, label in enumerate(split.labels)}
    tags, numbers = split.tags
    label_of_tag = np.array([column.get(certain_label(tag) or "", -1) for tag in tags])
    labels = np.zeros((int(unit_of.max()) + 1, len(column)), dtype=bool)
    done = 0
    for run in word_blocks(split.lengths):
        units = np.repeat(unit_of[run], split.lengths[run])
        own = label_of_tag[numbers[done : done + len(units)]]
        labels[units[own >= 0], own[own >= 0]] = True
        done += len(units)
    return labels


def _dispensable(order: Indices, labels: NDArray[np.bool_]) -> Iterator[int]:
    """Yield, in `order`, each unit whose labels all still occur in another unit of train."""
    left = labels.sum(axis=0)
    for unit in order.tolist():
        own = labels[unit]
        if (left[own] > 1).all():
            left -= own
            yield unit


def _unit_with_entities(order: Indices, labels: NDArray[np.bool_]) -> int | None:
    """Return the unit with entities that costs train the fewest labels; None if fewer than two have any."""
    candidates: list[int] = [unit for unit in order.tolist() if labels[unit].any()]
    if len(candidates) < 2:
        return None
    rare = labels.sum(axis=0) < 2
    return min(candidates, key=lambda unit: np.count_nonzero(labels[unit] & rare))
