"""Partition of a corpus into train, dev and test that distributes documents and entity types evenly.

The units (documents or sentences) are assigned one by one: those with the rarest types first, as in the
iterative stratification of Sechidis, Tsoumakas and Vlahavas (2011), otherwise in random order. Each unit has
several measures, as fractions of the whole corpus: the unit itself, its sentences, its sentences with
entities, its entities of each type. It goes to the part where this sum decreases most or increases least:

    sum over measures m and parts p of (filled[p, m] - share[p])^2 / share[p]

This is how far the parts are from their shares in all measures together. Without the measure of units, small
parts would get the small documents, because most of these fit in before the part exceeds its shares. The last
units, and the last units with entities, go to the parts that have none yet.
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
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError, counted

Indices = NDArray[np.int64]
Measures = NDArray[np.float64]

_UNITS, _SENTENCES, _WITH_ENTITIES, _FIRST_TYPE = range(4)  # columns of the measures; one column per type


@dataclass(frozen=True, eq=False)
class Partition:
    """The sentences of each part.

    Attributes:
        parts: the sentence numbers of each part, `[n]`, from 0 and ascending.
        units: number of documents or distinct sentences.
        by_document: whether the units are documents; otherwise each unit is a group of equal sentences.
    """

    parts: list[Indices]
    units: int
    by_document: bool


def partition(
    split: Split, shares: Sequence[float], *, seed: int, by_document: bool | None = None
) -> Partition:
    """Assign the sentences of a corpus to parts.

    Args:
        split: the corpus.
        shares: the share of each part; positive, with sum 1.
        seed: seed of the random order.
        by_document: whether to keep documents whole; None does so if there are at least as many documents as
            parts. Sentences before the first mark are one document. If documents may be split, sentences with
            the same words still stay together, so that none is in two parts.

    Raises:
        DataError: there are fewer units (documents or different sentences) than parts.
    """
    documents = np.unique(split.documents, return_inverse=True)[1]
    number = int(documents.max(initial=-1)) + 1
    if by_document is None:
        by_document = number >= len(shares) and number > 1
    unit_of = documents if by_document else _number_sentences(split)
    units = int(unit_of.max(initial=-1)) + 1
    if units < len(shares):
        found = counted(units, "document" if by_document else "different sentence")
        raise DataError(f"{found} cannot be split into {len(shares)} parts", split.path)
    part_of = _assign(_measures(split, unit_of, units), np.array(shares), seed)[unit_of]
    parts = [np.flatnonzero(part_of == part) for part in range(len(shares))]
    return Partition(parts, units, by_document)


def _number_sentences(split: Split) -> Indices:
    """Return a number for each sentence, `[s]`, from 0; sentences with the same words share it."""
    numbers: dict[tuple[str, ...], int] = {}
    sentences, _ = split.sentences()
    return np.array([numbers.setdefault(tuple(words), len(numbers)) for words in sentences], dtype=np.int64)


def _measures(split: Split, unit_of: Indices, units: int) -> Measures:
    """Return the measures of each unit (see above), `[u, m]`; the last columns are the types."""
    column = {label: i for i, label in enumerate(split.labels, _FIRST_TYPE)}
    measures = np.zeros((units, _FIRST_TYPE + len(column)))
    measures[:, _UNITS] = 1
    for unit, spans in zip(unit_of.tolist(), split.all_spans(), strict=True):
        measures[unit, _SENTENCES] += 1
        measures[unit, _WITH_ENTITIES] += bool(spans)
        for span in spans:
            measures[unit, column[span.label]] += 1
    fractions: Measures = measures / np.maximum(measures.sum(axis=0), 1)
    return fractions


def _assign(measures: Measures, shares: NDArray[np.float64], seed: int) -> Indices:
    """Return the part of each unit, `[u]`. Each part gets a unit, and one with entities if possible."""
    order = np.random.default_rng(seed).permutation(len(measures))
    order = order[np.argsort(_rarity_rank(measures)[order], kind="stable")]
    filled = np.zeros((len(shares), measures.shape[1]))
    part_of = np.full(len(measures), -1)
    ends = {_UNITS: len(order), _WITH_ENTITIES: int(np.count_nonzero(measures[:, _WITH_ENTITIES]))}
    for position, unit in enumerate(order.tolist()):
        own = measures[unit]
        increase = (own * (2 * (filled - shares[:, None]) + own)).sum(axis=1) / shares
        for measure, end in ends.items():  # units with entities come first
            lacking = filled[:, measure] == 0
            if end - lacking.sum() <= position < end:
                increase[~lacking] = np.inf
        part_of[unit] = part = int(increase.argmin())
        filled[part] += own
    return part_of


def _rarity_rank(measures: Measures) -> Indices:
    """Return the rank of the rarest type in each unit, `[u]`; 0 is the type that the fewest units have."""
    has = measures[:, _FIRST_TYPE:] > 0
    rarest_first = has[:, np.argsort(has.sum(axis=0), kind="stable")]
    no_type = np.full((len(measures), 1), True)
    ranks: Indices = np.hstack([rarest_first, no_type]).argmax(axis=1)
    return ranks


def split_lines(
    path: Path, parts: Sequence[Indices], *, columns: Mapping[str, int] | None = None
) -> list[list[str]]:
    """Return the unchanged lines of a column file for each part.

    Comments and document marks go with the next sentence, blank lines with the previous one. The header, if
    there is one, begins every part. If a document is split, its mark is repeated in every part.

    Args:
        path, columns: see ConllReader.
        parts: the sentence numbers of each part, from 0 and ascending.
    """
    reader = ConllReader(path, columns=columns)
    sentences = list(reader)
    blocks = _sentence_blocks([sentence.raw for sentence in sentences], reader.trailing)
    header = [] if reader.layout.header is None else [reader.layout.header]
    blocks = [[line for line in block if line not in header] for block in blocks] if header else blocks
    marks: dict[int, list[str]] = {}
    for sentence, block in zip(sentences, blocks, strict=True):
        marks.setdefault(sentence.document, _document_mark(block, reader.layout))
    lines: list[list[str]] = []
    for part in parts:
        lines.append([*header])
        document = NO_DOCUMENT
        for i in part.tolist():
            own = sentences[i].document
            if own != document and not _document_mark(blocks[i], reader.layout):
                lines[-1] += marks[own]
            document = own
            lines[-1] += blocks[i]
    return lines


def _sentence_blocks(raw: Sequence[list[str]], trailing: list[str]) -> list[list[str]]:
    """Return the lines that go with each sentence, from `ColumnSentence.raw` and `ConllReader.trailing`."""
    blanks = [len(list(takewhile(is_blank, lines))) for lines in raw]
    blanks[0] = 0  # there is no previous sentence
    blocks = [lines[n:] for lines, n in zip(raw, blanks, strict=True)]
    for block, lines, n in zip(blocks, raw[1:], blanks[1:], strict=False):
        block += lines[:n]
    blocks[-1] += trailing
    return blocks


def _document_mark(block: Sequence[str], layout: Layout) -> list[str]:
    """Return the document marks at the start of a block, with blank lines among them; empty without marks."""
    head = takewhile(lambda line: not layout.is_row(line), block)
    lines = [line for line in head if is_blank(line) or layout.begins_document(line)]
    return lines if any(map(layout.begins_document, lines)) else []
