"""A corpus cut into train, dev and test: whole documents, and of every type each part its share.

Units (documents, or sentences) are given to parts one by one, those with the rarest types first as in the
iterative stratification of Sechidis, Tsoumakas and Vlahavas (2011), in random order beyond that. A unit
counts in several measures, as fractions of the whole corpus: as a unit, by its sentences, by those with
entities, by its entities of each type. It goes to the part where it lowers most, or raises least,

    sum over measures m and parts p of (filled[p, m] - share[p])^2 / share[p]

which is how far the parts are from their shares in all measures together. With sentences and types alone, the
small parts would get the small documents, of which they take the most without going beyond their shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnner.data.formats.column_layout import Layout, is_blank
from rnner.data.formats.columns import ConllReader
from rnner.data.splits import Split
from rnner.data.token_table import UNMARKED
from rnner.errors import DataError

Indices = NDArray[np.int64]
Measures = NDArray[np.float64]

_GENERAL = 3  # measures that are no types: units, sentences, sentences with entities


@dataclass(frozen=True, eq=False)
class Partition:
    """Who is in which part.

    Attributes:
        parts: for each part the sentences `[n]` in it, from 0, ascending.
        units: how many documents, or different sentences, were distributed.
        by_document: whether whole documents were; else whole sentences, equal ones together.
    """

    parts: list[Indices]
    units: int
    by_document: bool


def partition(
    split: Split, shares: Sequence[float], *, seed: int, by_document: bool | None = None
) -> Partition:
    """Distribute the sentences of a corpus.

    Args:
        split: the corpus.
        shares: of each part, positive, of sum 1.
        seed: decides who goes where.
        by_document: whether documents stay whole; None: where the file marks at least as many as there are
            parts. Sentences before the first mark are one document. Sentences of the same words stay together
            where documents are cut, so that none is in two parts.

    Raises:
        DataError: there are fewer documents, or different sentences, than parts.
    """
    documents = np.unique(split.documents, return_inverse=True)[1]
    number = int(documents.max(initial=-1)) + 1
    if by_document is None:
        by_document = number >= len(shares) and number > 1
    unit_of = documents if by_document else _equal_sentences(split)
    units = int(unit_of.max(initial=-1)) + 1
    if units < len(shares):
        kind = ("document" if by_document else "different sentence") + ("" if units == 1 else "s")
        raise DataError(f"{units} {kind} cannot be cut into {len(shares)} parts", split.path)
    part_of = _distribute(_measures(split, unit_of, units), np.array(shares), seed)[unit_of]
    parts = [np.flatnonzero(part_of == part) for part in range(len(shares))]
    return Partition(parts, units, by_document)


def _equal_sentences(split: Split) -> Indices:
    """`[s]` a number for each sentence, from 0, the same for those of the same words."""
    numbers: dict[tuple[str, ...], int] = {}
    sentences, _ = split.sentences()
    return np.array([numbers.setdefault(tuple(words), len(numbers)) for words in sentences], dtype=np.int64)


def _measures(split: Split, unit_of: Indices, units: int) -> Measures:
    """`[u, m]` how much each unit is of the corpus: see above; the types stand last, one a label."""
    column = {label: i for i, label in enumerate(split.labels, _GENERAL)}
    measures = np.zeros((units, _GENERAL + len(column)))
    measures[:, 0] = 1
    for unit, spans in zip(unit_of.tolist(), split.all_spans(), strict=True):
        measures[unit, 1] += 1
        measures[unit, 2] += bool(spans)
        for span in spans:
            measures[unit, column[span.label]] += 1
    fractions: Measures = measures / np.maximum(measures.sum(axis=0), 1)
    return fractions


def _distribute(measures: Measures, shares: NDArray[np.float64], seed: int) -> Indices:
    """`[u]` the part of each unit; every part gets at least one."""
    order = np.random.default_rng(seed).permutation(len(measures))
    order = order[np.argsort(_rank(measures)[order], kind="stable")]
    filled = np.zeros((len(shares), measures.shape[1]))
    part_of = np.full(len(measures), -1)
    for left, unit in zip(range(len(order), 0, -1), order.tolist(), strict=True):
        own = measures[unit]
        rise = (own * (2 * (filled - shares[:, None]) + own)).sum(axis=1) / shares
        empty = filled[:, 0] == 0
        if left <= empty.sum():  # the last units are for the parts that would have none
            rise[~empty] = np.inf
        part_of[unit] = part = int(rise.argmin())
        filled[part] += own
    return part_of


def _rank(measures: Measures) -> Indices:
    """`[u]` 0 for the units that have the type that is in the fewest of them, 1 for the next, and so on."""
    has = measures[:, _GENERAL:] > 0
    rarest_first = has[:, np.argsort(has.sum(axis=0), kind="stable")]
    nothing = np.full((len(measures), 1), True)
    ranks: Indices = np.hstack([rarest_first, nothing]).argmax(axis=1)
    return ranks


def cut(path: Path, parts: Sequence[Indices], *, columns: Mapping[str, int] | None = None) -> list[list[str]]:
    """The lines of a column file, as they are, in the parts that their sentences belong to.

    Comments and document marks go with the sentence after them, blank lines with the one before. Where a
    document is cut, its mark stands in every part that has some of it.

    Args:
        path, columns: see ConllReader.
        parts: for each part its sentences, from 0, ascending.
    """
    reader = ConllReader(path, columns=columns)
    sentences = list(reader)
    blocks = _blocks([sentence.raw for sentence in sentences], reader.trailing)
    marks: dict[int, list[str]] = {}
    for sentence, block in zip(sentences, blocks, strict=True):
        marks.setdefault(sentence.document, _mark(block, reader.layout))
    lines: list[list[str]] = []
    for part in parts:
        lines.append([])
        document = UNMARKED
        for i in part.tolist():
            own = sentences[i].document
            if own != document and not _mark(blocks[i], reader.layout):
                lines[-1] += marks[own]
            document = own
            lines[-1] += blocks[i]
    return lines


def _blocks(raw: Sequence[list[str]], trailing: list[str]) -> list[list[str]]:
    """The lines that go with each sentence, from those before and in it, and those after the last."""
    blanks = [len(list(takewhile(is_blank, lines))) for lines in raw]
    blanks[0] = 0  # there is no sentence before
    blocks = [lines[n:] for lines, n in zip(raw, blanks, strict=True)]
    for block, lines, n in zip(blocks, raw[1:], blanks[1:], strict=False):
        block += lines[:n]
    blocks[-1] += trailing
    return blocks


def _mark(block: Sequence[str], layout: Layout) -> list[str]:
    """The document marks at the head of a block, and blank lines among them; nothing without a mark."""
    head = takewhile(lambda line: not layout.is_row(line), block)
    lines = [line for line in head if is_blank(line) or layout.begins_document(line)]
    return lines if any(map(layout.begins_document, lines)) else []
