"""Sentence splitter."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from rnner.text.layout import ENDERS, layout_starts
from rnner.text.tokenizer import Token

_CLOSERS = frozenset("\"”’')]}»") | {"''"}
_OPENERS = frozenset("\"“‘'([{«¿¡") | {"``"}


def split_sentences(text: str, tokens: Sequence[Token]) -> list[list[Token]]:
    """Split the tokens of a text into sentences. Every token is in exactly one sentence, in order.

    A sentence ends at a blank line, at a line break unless prose was wrapped there, and between the cells of
    a table (`rnner.text.layout` has the rules). It also ends after . ! ? … or a full stop of another script
    (。 ؟ । ։ ። ។ ။) and any closing quotes and brackets directly after it, if the next token starts with a
    capital, a digit, an opening quote or bracket, or a caseless letter. The full stop of an abbreviation or
    initial is part of the token and does not end a sentence by itself.
    Thai and Lao have no full stop. There, only the layout ends a sentence, because names contain spaces too.

    Example:
        >>> from rnner.text.tokenizer import tokenize
        >>> text = "Dr. Nwosu spoke. It rained."
        >>> [" ".join(token.text for token in tokens) for tokens in split_sentences(text, tokenize(text))]
        ['Dr. Nwosu spoke .', 'It rained .']
    """
    starts = layout_starts(text, tokens)
    sentences: list[list[Token]] = []
    ended = False
    for i, token in enumerate(tokens):
        closing = ended and tokens[i - 1].end == token.start and _closes(token, text)
        if i == 0 or i in starts or (ended and not closing and _opens(token.text)):
            sentences.append([])
        sentences[-1].append(token)
        ended = closing or ENDERS.issuperset(token.text)
    return sentences


def _closes(token: Token, text: str) -> bool:
    """Return whether a mark directly after the end of a sentence belongs to it."""
    mark = token.text
    if mark in _CLOSERS or unicodedata.category(mark[0]) in ("Pe", "Pf"):
        return True
    # German and other languages close a quotation with “, which opens one in English.
    return mark in "“‘" and not text[token.end : token.end + 1].isalnum()


def _opens(word: str) -> bool:
    if word in _OPENERS or unicodedata.category(word[0]) in ("Ps", "Pi"):
        return True
    return word[0].isdigit() or (word[0].isalpha() and not word[0].islower())
