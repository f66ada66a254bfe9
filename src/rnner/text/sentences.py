"""Sentence splitter."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rnner.text.tokenizer import Token

_ENDERS = frozenset(".!?…。！？")
_CLOSERS = frozenset("\"”’')]}»") | {"''"}
_OPENERS = frozenset("\"“‘'([{«¿¡") | {"``"}
_PARAGRAPH = regex.compile(r"\n[^\S\n]*+\n|\u2029")


def split_sentences(text: str, tokens: Sequence[Token]) -> list[list[Token]]:
    """Split the tokens of a text into sentences. Every token is in exactly one sentence, in order.

    A sentence ends at a blank line. It also ends after . ! ? … and any closing quotes and brackets directly
    after it, if the next token starts with a capital, a digit, an opening quote or bracket, or a caseless
    letter. The full stop of an abbreviation or initial is part of the token and never ends a sentence: two
    sentences may stay joined, but none is cut.

    Example:
        >>> from rnner.text.tokenizer import tokenize
        >>> text = "Dr. Nwosu spoke. It rained."
        >>> [" ".join(token.text for token in tokens) for tokens in split_sentences(text, tokenize(text))]
        ['Dr. Nwosu spoke .', 'It rained .']
    """
    sentences: list[list[Token]] = []
    ended = False
    for i, token in enumerate(tokens):
        gap = tokens[i - 1].end if i else 0
        adjacent = i > 0 and gap == token.start
        closing = ended and adjacent and token.text in _CLOSERS
        near = adjacent or (token.start - gap == 1 and text[gap] == " ")  # the common case, checked quickly
        paragraph = not near and _PARAGRAPH.search(text, gap, token.start)
        if i == 0 or paragraph or (ended and not closing and _opens(token.text)):
            sentences.append([])
        sentences[-1].append(token)
        ended = closing or _ENDERS.issuperset(token.text)
    return sentences


def _opens(word: str) -> bool:
    return word in _OPENERS or word[0].isdigit() or (word[0].isalpha() and not word[0].islower())
