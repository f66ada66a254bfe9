"""White space between the words of a sentence: from the original text, or by rules if there is no text.

`join` and `plain_spacing` put white space between all words, except next to a character of a script without
spaces (`rnner.text.unspaced.meet`), and between the letters and digits of a sentence that is split into
characters (2 0 0 8 年). `spacing` also follows English typography: there is no white space

* before closing marks: . , : ; ! ? … % ) ] } ” ’ » '', runs of . ! ? …, and clitics ('s n't 'll);
* after opening marks: ( [ { “ ‘ « ¿ ¡ ``, and currency signs ($ US$);
* around / between two words;
* inside straight quotes (" and '), which open and close in turn. A ' after a word that ends in s is a
  clitic if no quote is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import regex

from rnner.text.unspaced import meet

_CLOSES = regex.compile(r"[,:;%)\]}”’»]|[.!?…]++|''|['’](?:s|m|d|re|ve|ll)|n['’]t", regex.IGNORECASE)
_OPENS = regex.compile(r"[(\[{“‘«¿¡]|``|\p{Lu}{0,3}\p{Sc}")
_QUOTES = ('"', "'")


def join(words: Sequence[str]) -> str:
    """Return the words as a text.

    Example:
        >>> join(["Ada", "Lovelace", "."]), join(["東", "京", "の", "NHK"])
        ('Ada Lovelace .', '東京のNHK')
    """
    return "".join(spaced(words))


def spaced(words: Sequence[str]) -> list[str]:
    """Return each word with the white space that follows it in `join`."""
    return [f"{word} " if apart else word for word, apart in zip(words, plain_spacing(words), strict=True)]


def plain_spacing(words: Sequence[str]) -> list[bool]:
    """Return, for each word, whether white space follows it in `join`; False for the last word."""
    apart = [not meet(*pair) for pair in pairwise(words)] + [False] * bool(words)
    if _is_split_into_characters(words):
        for i, (left, right) in enumerate(pairwise(words)):
            apart[i] &= not (left.isalnum() and right.isalnum())
    return apart


def _is_split_into_characters(words: Sequence[str]) -> bool:
    """Return whether some words are in a script without spaces, and all others are single characters."""
    others = [word for word in words if not meet("", word)]
    return len(others) < len(words) and all(len(word) == 1 for word in others)


def spacing(words: Sequence[str]) -> list[bool]:
    """Return, for each word, whether white space follows it in printed text; False for the last word."""
    apart = plain_spacing(words)
    open_quotes: set[str] = set()
    for i, word in enumerate(words):
        before, after = not _CLOSES.fullmatch(word), not _OPENS.fullmatch(word)
        if word == "/":
            before = after = False
        elif word in _QUOTES:
            clitic = word == "'" and word not in open_quotes and i > 0 and words[i - 1][-1:] in "sS"
            closes = clitic or word in open_quotes
            before, after = not closes, closes
            if not clitic:
                open_quotes ^= {word}
        if i and not before:
            apart[i - 1] = False
        apart[i] &= after
    return apart


def spacing_in(text: str, words: Sequence[str]) -> list[bool] | None:
    """Return, for each word, whether white space follows it in `text`; None if `text` has other words."""
    apart: list[bool] = []
    position = 0
    for word in words:
        start = _skip_space(text, position)
        if not text.startswith(word, start):
            return None
        if position:
            apart.append(start > position)
        position = start + len(word)
    whole = words and _skip_space(text, position) == len(text)
    return [*apart, False] if whole else None


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
