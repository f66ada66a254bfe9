"""Pairing of predictions with the gold file that they belong to.

Token files with the same sentences are paired word by word. Otherwise, both files must have the same text, up
to white space: either document by document, in any order, or as a whole, however it is cut into documents,
sentences and tokens. The text is then cut wherever a gold token or any entity begins or ends; these pieces
take the place of words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from rnner.data.formats.annotated import CharSpan
from rnner.errors import DataError, counted
from rnner.scoring.annotation import AnnotatedSentences, Annotation
from rnner.scoring.passages import AnnotatedFile, Passage, join
from rnner.tags import Span


@dataclass(frozen=True)
class Pairing:
    """Gold and predicted entities over the same words.

    Attributes:
        gold: the words and the gold entities.
        predicted: the entities of each file of predictions.
        by_tokens: True if the words are the files' tokens, False if they are pieces of the common text.
        notes: lines on content that was read differently or left out.
    """

    gold: AnnotatedSentences
    predicted: list[Annotation]
    by_tokens: bool
    notes: list[str]


def pair(gold: AnnotatedFile, predictions: Sequence[AnnotatedFile]) -> Pairing:
    """Pair files of predictions with a gold file; by characters unless all have the words of the gold file.

    Raises DataError at the first difference between two texts, with the line in each.
    """
    notes = list(dict.fromkeys(note for file in (gold, *predictions) for note in file.notes))
    sentences = [file.sentences for file in predictions if file.sentences is not None]
    if gold.sentences is not None and len(sentences) == len(predictions):
        if all(other.words == gold.sentences.words for other in sentences):
            return Pairing(gold.sentences, [other.annotation for other in sentences], True, notes)
        notes.append("the files differ in words or sentences: entities are compared by characters")
    texts = [join(_in_order_of(gold, file, notes)) for file in predictions]
    return _pair_characters(gold.passages, texts, notes)


def _pair_characters(passages: Sequence[Passage], others: Sequence[Passage], notes: list[str]) -> Pairing:
    """Pair the gold passages with other passages that have the same characters."""
    whole = join(passages)
    spans = [span for text in (whole, *others) for span in text.spans]
    ends = _sentence_ends(whole, spans)
    cuts = sorted({0, *whole.token_ends, *ends, *(place for span in spans for place in span[:2])})
    number = {place: i for i, place in enumerate(cuts)}  # of the word that begins there
    starts = [0, *ends[:-1]]

    def annotation(text: Passage) -> Annotation:
        rows: list[list[Span]] = [[] for _ in starts]
        for span in sorted(text.spans):
            row = bisect_right(starts, span.start) - 1
            first = number[starts[row]]
            rows[row].append(Span(number[span.start] - first, number[span.end] - first, span.label))
        return Annotation(rows)

    words = [whole.text[start:end] for start, end in pairwise(cuts)]
    sentences = [words[number[start] : number[end]] for start, end in zip(starts, ends, strict=True)]
    begins = list(accumulate((len(passage.text) for passage in passages[:-1]), initial=0))
    documents = [passages[bisect_right(begins, start) - 1].document for start in starts]
    gold = AnnotatedSentences(sentences, np.array(documents, dtype=np.int64), annotation(whole))
    return Pairing(gold, list(map(annotation, others)), False, notes)


def _sentence_ends(whole: Passage, spans: Iterable[CharSpan]) -> list[int]:
    """Return the positions at which sentences end, except inside entities."""
    change = np.zeros(len(whole.text) + 2, dtype=np.int64)  # in the number of entities around each place
    for start, end, _ in spans:
        change[start + 1] += 1
        change[end] -= 1
    inside = np.cumsum(change) > 0
    return [end for end in sorted(set(whole.sentence_ends)) if end and not inside[end]]


def _in_order_of(gold: AnnotatedFile, file: AnnotatedFile, notes: list[str]) -> list[Passage]:
    """Return passages of a file that, joined in order, have the text of the gold file.

    Raises DataError if there are none.
    """
    by_text: dict[str, deque[Passage]] = defaultdict(deque)
    for passage in file.passages:
        by_text[passage.text].append(passage)
    found: list[Passage] = []
    for passage in gold.passages:
        if by_text[passage.text]:
            found.append(by_text[passage.text].popleft())
        elif _text(file.passages) == _text(gold.passages):
            return file.passages
        else:
            raise _difference(gold, file, passage, [it for rest in by_text.values() for it in rest])
    if rest := len(file.passages) - len(found):
        unit = "sentence" if file.sentences else "document"
        notes.append(f"{file.path}: {counted(rest, unit)} not in {gold.path}, not scored")
    return found


def _text(passages: Iterable[Passage]) -> str:
    return "".join(passage.text for passage in passages)


def _difference(
    gold: AnnotatedFile, file: AnnotatedFile, missing: Passage, rest: Sequence[Passage]
) -> DataError:
    """Return the error for a gold passage that equals none of the remaining passages of a file."""
    if gold.sentences is None and file.sentences is None:
        nearest = max(rest, key=lambda it: _shared_prefix(it.text, missing.text), default=None)
        if nearest is None or nearest.text[:1] != missing.text[:1]:
            where = f"{gold.path}:{missing.lines[0]}"
            return DataError(f"no document has the text of {where} ({missing.excerpt()!r})", file.path)
    else:
        missing, nearest = join(gold.passages), join(file.passages)
    place = _shared_prefix(missing.text, nearest.text)
    if place == len(nearest.text):
        word, line = missing.token_at(place)
        message = f"the text ends here, but {gold.path}:{line} continues with {word!r}"
        return DataError(message, file.path, nearest.lines[-1])
    if place == len(missing.text):
        word, line = nearest.token_at(place)
        message = f"{word!r} comes after the end of the text in {gold.path}:{missing.lines[-1]}"
    else:
        starts = {0, *missing.token_ends}.intersection((0, *nearest.token_ends))
        first = max(start for start in starts if start <= place)  # of the first two tokens that differ
        word, line = nearest.token_at(first)
        expected, gold_line = missing.token_at(first)
        message = f"{word!r}, but {gold.path}:{gold_line} has {expected!r}"
    return DataError(f"{message}; predictions must have the words of the gold file", file.path, line)


def _shared_prefix(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((i for i, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))
