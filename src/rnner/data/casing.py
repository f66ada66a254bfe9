"""How a word is written: lower-case, capitalised, upper-case, with digits."""

from __future__ import annotations

CASINGS = (
    "padding",
    "lower",  # cat, all-rounder
    "capitalised",  # Harry, A, J.
    "upper",  # NATO, U.S.
    "mixed",  # iPhone, McDonald, O'Brien
    "numeric",  # 1996-08-30, 3.5, 50%: digits, no letter
    "alphanumeric",  # B-52, 1990s: letters and digits
    "symbols",  # ?, --, :): neither letter nor digit
    "other",  # letters without case: 東京
)


_LOWER, _CAPITALISED, _UPPER, _MIXED = map(CASINGS.index, ("lower", "capitalised", "upper", "mixed"))


def casing_class(form: str) -> int:
    """The index in `CASINGS` of how `form` is written, in any script; 0 ("padding") is never given.

    One capital alone ("A", "J.") is capitalised, not upper: it says no more than the first letter of "Harry".
    """
    if form.isascii() and form.isalpha():  # most words, and quick to tell
        if form.islower():
            return _LOWER
        return _CAPITALISED if form.istitle() else _UPPER if form.isupper() else _MIXED
    letters = [character for character in form if character.isalpha()]
    if any(character.isnumeric() and not character.isalpha() for character in form):
        return CASINGS.index("alphanumeric" if letters else "numeric")
    if not letters:
        return CASINGS.index("symbols")
    capitals = [
        letter.isupper() or letter.istitle() for letter in letters if letter.lower() != letter.upper()
    ]
    if not capitals:
        return CASINGS.index("other")
    if not any(capitals):
        return CASINGS.index("lower")
    if capitals[0] and not any(capitals[1:]):
        return CASINGS.index("capitalised")
    return CASINGS.index("upper" if all(capitals) else "mixed")
