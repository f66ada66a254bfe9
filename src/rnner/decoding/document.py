"""A text with its tokens and entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rnner.decoding.spans import Reading, ScoredSpan
from rnner.text.entity import Entity
from rnner.text.tokenizer import Token


@dataclass(frozen=True)
class Document:
    """A text with its tokens and entities, returned by `Pipeline.documents` and `Pipeline.tag_documents`.

    Attributes:
        text: the unchanged text.
        sentences: the tokens of each sentence.
        spans: the entities of each sentence, with positions in words.
        readings: the most probable ways to tag each sentence, from `Pipeline.with_readings`.

    Examples:
        >>> document = rnner.load("runs/my").documents("Ada Lovelace wrote to Charles Babbage.")
        >>> [(entity.label, entity.text) for entity in document.entities()]
        [('PER', 'Ada Lovelace'), ('PER', 'Charles Babbage')]
    """

    text: str
    sentences: list[list[Token]]
    spans: list[list[ScoredSpan]]
    readings: list[list[Reading]] = field(default_factory=list)

    def entities(self) -> list[Entity]:
        """Return the entities of the text, with positions in characters."""
        return [
            self._entity(tokens, span)
            for tokens, spans in zip(self.sentences, self.spans, strict=True)
            for span in spans
        ]

    def nbest(self) -> list[list[tuple[float, list[Entity]]]]:
        """Return, per sentence, the probability and entities of each reading. Empty if there are no readings.

        The score of each entity is the probability of its reading.
        """
        return [
            [
                (probability, [self._entity(tokens, ScoredSpan(*span, probability)) for span in spans])
                for spans, probability in readings
            ]
            for tokens, readings in zip(self.sentences, self.readings, strict=False)
        ]

    def above(self, threshold: float) -> Document:
        """Return a copy without entities whose probability is below the threshold.

        Examples:
            >>> document = rnner.load("runs/my").documents("Ada Lovelace wrote to Charles Babbage.")
            >>> len(document.entities()), len(document.above(0.99999).entities())
            (2, 0)
        """
        return replace(
            self, spans=[[span for span in spans if span.score >= threshold] for spans in self.spans]
        )

    def _repr_html_(self) -> str:
        """Return the text with its entities marked, for notebooks."""
        from rnner.render.notebook import entities_html  # needed only in notebooks

        return entities_html(self.text, self.entities())

    def _entity(self, tokens: Sequence[Token], span: ScoredSpan) -> Entity:
        start, end = tokens[span.start].start, tokens[span.end - 1].end
        return Entity(span.label, start, end, self.text[start:end], span.score)
