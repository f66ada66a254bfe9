"""Casing classes of words: lower case, capitalised, upper case, with digits."""

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
_INDEX = {name: index for index, name in enumerate(CASINGS)}


def casing_class(form: str) -> int:
    """Return the casing class of a form in any script, as an index in `CASINGS`; never 0 ("padding").

    A single capital ("A", "J.") counts as capitalised, not upper case, like the first letter of "Harry".
    """
    return _INDEX[_casing(form)]


def _casing(form: str) -> str:
    if form.isascii() and form.isalpha():  # fast path for most words
        if form.islower():
            return "lower"
        return "capitalised" if form.istitle() else "upper" if form.isupper() else "mixed"
    letters = [character for character in form if character.isalpha()]
    if any(character.isnumeric() and not character.isalpha() for character in form):
        return "alphanumeric" if letters else "numeric"
    if not letters:
        return "symbols"
    capitals = [
        letter.isupper() or letter.istitle() for letter in letters if letter.lower() != letter.upper()
    ]
    if not capitals:
        return "other"
    if not any(capitals):
        return "lower"
    if capitals[0] and not any(capitals[1:]):
        return "capitalised"
    return "upper" if all(capitals) else "mixed"
