"""Entity forms: the words of an entity, case included, and where the same words occur outside entities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from rnner.tags import Span

EntityForm = tuple[str, ...]
_LONGEST_FORM = 32  # words; longer forms rarely occur twice, and comparing them would take quadratic time


def with_words(spans: Sequence[Span], positions: Collection[int]) -> Sequence[Span]:
    """Return the spans of a sentence and the words at some positions, which may be in entities or not."""
    if not positions:
        return spans
    inside = {position for span in spans for position in range(span.start, span.end)}
    words = [Span(position, position + 1, "") for position in positions if position not in inside]
    return sorted([*spans, *words])


class OutsideFinder:
    """Finds entity forms where they occur outside entities.

    Args:
        forms: the entity forms to look for; those of more than 32 words are ignored.
    """

    def __init__(self, forms: Collection[EntityForm]) -> None:
        self._forms = forms
        self._lengths: dict[str, set[int]] = defaultdict(set)  # lengths of the forms, by first word
        for form in forms:
            if len(form) > _LONGEST_FORM:
                continue
            self._lengths[form[0]].add(len(form))

    def find(self, words: Sequence[str], spans: Sequence[Span]) -> Iterator[tuple[int, EntityForm]]:
        """Yield the start and form of each occurrence that overlaps no entity of the sentence.

        `spans` are the entities of the sentence, in order.
        """
        borders = [0, *(border for span in spans for border in (span.start, span.end)), len(words)]
        for begin, end in zip(borders[::2], borders[1::2], strict=True):
            for start in range(begin, end):
                for length in self._lengths.get(words[start], ()):
                    if (
                        start + length <= end
                        and (form := tuple(words[start : start + length])) in self._forms
                    ):
                        yield start, form
