"""White space between the words of a sentence: from the original text, or by rules if there is no text.

The rules follow English typography. There is white space between words, except

* before closing marks: . , : ; ! ? … % ) ] } ” ’ » '', runs of . ! ? …, and clitics ('s n't 'll);
* after opening marks: ( [ { “ ‘ « ¿ ¡ ``, and currency signs ($ US$);
* around / between two words;
* inside straight quotes (" and '), which open and close in turn. A ' after a word that ends in s is a
  clitic if no quote is open.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

_CLOSES = regex.compile(r"[,:;%)\]}”’»]|[.!?…]++|''|['’](?:s|m|d|re|ve|ll)|n['’]t", regex.IGNORECASE)
_OPENS = regex.compile(r"[(\[{“‘«¿¡]|``|\p{Lu}{0,3}\p{Sc}")
_QUOTES = ('"', "'")


def spacing(words: Sequence[str]) -> list[bool]:
    """Return whether white space follows each word, by the rules above; never after the last word."""
    apart = [True] * len(words)
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
        apart[i] = after
    return [*apart[:-1], False] if words else []


def spacing_in(text: str, words: Sequence[str]) -> list[bool] | None:
    """Return whether white space follows each word in `text`, or None if `text` consists of other words."""
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
