"""Spellings by which a word is looked up: its own, in lower-case, and in normal form."""

from __future__ import annotations

from collections.abc import Container


def normal_form(form: str) -> str:
    """Lower-case, with every decimal digit of any script as "0": the form that rare spellings share."""
    lowered = form.lower()
    if lowered.isalpha():  # by far the most, and quick to tell
        return lowered
    return "".join("0" if character.isdecimal() else character for character in lowered)


def spelling_in(form: str, known: Container[str]) -> str:
    """The first of `form`, its lower-case and its normal form that is `known`; the normal form if none is."""
    if form in known:
        return form
    lowered = form.lower()
    return lowered if lowered in known else normal_form(lowered)
