"""Features of word forms, and their collation into a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnner.data.batches import UNKNOWN, Batch, Floats, Integers
from rnner.data.subwords import WeightedRows, collate_compositions

_MAX_CHARACTERS = 100  # of longer forms (URLs), only the first and last 50 are encoded


class Features(NamedTuple):
    """The features of a form.

    Attributes:
        word: the word id of the form; 0 if the form is composed.
        casing: its casing class, see `casing_class`.
        characters: its character ids (at most 100), as the bytes of an int32 array.
        composition: its rows and weights if it is composed, else None.
    """

    word: int
    casing: int
    characters: bytes
    composition: WeightedRows | None


class CharacterTable(dict[int, str]):
    """Character ids for `str.translate`: maps a code point to the character whose code point is the id."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        super().__init__((ord(character), chr(i)) for character, i in ids.items())

    def __missing__(self, point: int) -> str:
        return chr(UNKNOWN)

    def encode(self, form: str) -> bytes:
        """Return the character ids of a form, as the bytes of an int32 array."""
        if len(form) > _MAX_CHARACTERS:
            half = _MAX_CHARACTERS // 2
            form = form[:half] + form[-half:]
        return form.translate(self).encode("utf-32-le", "surrogatepass")


def collate_features(
    features: Sequence[Features], *, composes: bool, lexicon: Floats | None
) -> Batch[NDArray[Any]]:
    """Return a batch of one sentence, which consists of n distinct forms (at least one).

    Args:
        features: the features of the forms.
        composes: whether the vocabulary composes words.
        lexicon: `[n, l]` lexicon features; None without a lexicon.
    """
    width = 4 * max(1, max(len(form.characters) for form in features) // 4)
    characters = b"".join([form.characters.ljust(width, b"\0") for form in features])
    return Batch(
        words=integers([form.word for form in features]),
        casing=integers([form.casing for form in features]),
        characters=np.frombuffer(characters, dtype=np.int32).reshape(len(features), -1).astype(np.int64),
        forms=np.arange(len(features))[None],
        lengths=np.array([len(features)]),
        lexicon=None if lexicon is None else lexicon[None],
        composition=collate_compositions([form.composition for form in features]) if composes else None,
    )


def pad(rows: Sequence[list[int]]) -> Integers:
    """Pad rows of different lengths with 0 on the right: `[b, t]` int64."""
    width = max(map(len, rows))
    return integers([row + [0] * (width - len(row)) for row in rows])


def integers(values: Sequence[int] | Sequence[list[int]]) -> Integers:
    """Return an int64 array."""
    return np.array(values, dtype=np.int64)
