"""White space between the words of a sentence: as its text has it, or by a rule where the text is lost.

The rule is that of English print. Words stand apart, but for

* what closes, put to the word before: . , : ; ! ? … % ) ] } ” ’ » '', runs of . ! ? …, clitics ('s n't 'll);
* what opens, put to the word after: ( [ { “ ‘ « ¿ ¡ ``, currency signs ($ US$);
* / between two words, put to both;
* straight quotes (" and '), which open and close in turn; ' after a word in s is a clitic if none is open.

Words are never changed, so a text that is put together from them can be taken apart again.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

_CLOSES = regex.compile(r"[,:;%)\]}”’»]|[.!?…]++|''|['’](?:s|m|d|re|ve|ll)|n['’]t", regex.IGNORECASE)
_OPENS = regex.compile(r"[(\[{“‘«¿¡]|``|\p{Lu}{0,3}\p{Sc}")
_QUOTES = ('"', "'")


def spacing(words: Sequence[str]) -> list[bool]:
    """Whether white space follows each word, by the rule above; never after the last."""
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
    """Whether white space follows each word in the text of their sentence; None if it is another text."""
    apart: list[bool] = []
    position = 0
    for word in words:
        start = _skip(text, position)
        if not text.startswith(word, start):
            return None
        if position:
            apart.append(start > position)
        position = start + len(word)
    whole = words and _skip(text, position) == len(text)
    return [*apart, False] if whole else None


def _skip(text: str, position: int) -> int:
    """The next position that is not white space."""
    while position < len(text) and text[position].isspace():
        position += 1
    return position
