"""An entity in a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """A named entity in a text.

    Attributes:
        label: the entity type.
        start: position of the first character.
        end: position after the last character.
        text: the characters `[start:end]` of the text.
        score: the model's probability of exactly this entity, 0 to 1.

    Examples:
        >>> Entity("PER", 0, 12, "Ada Lovelace", 0.98).to_dict()
        {'label': 'PER', 'start': 0, 'end': 12, 'text': 'Ada Lovelace', 'score': 0.98}
    """

    label: str
    start: int
    end: int
    text: str
    score: float

    def to_dict(self) -> dict[str, str | int | float]:
        """Return the fields by name, for JSON."""
        return {name: getattr(self, name) for name in ("label", "start", "end", "text", "score")}
