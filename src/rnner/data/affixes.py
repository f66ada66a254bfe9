"""Affixes that nearly all tokens of a corpus share and that plain text lacks.

    prefix          en:Clara      a language or a source, as in WikiANN
    segment index   口0           position of a character in its word, as in Weibo NER
    part of speech  Clara/NNP     also Clara_NNP and Clara|NNP
    quotes          "Clara"       around every token
    marker          ▁Clara        the same character before every token

A model trained on such tokens finds little in plain text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from itertools import islice
from typing import NamedTuple

STRIP_AFFIX = (
    "a model trained on them finds little in plain text; `rnner data check FILE --fix OUT` strips them"
)

_FEWEST, _MOST = 5, 20_000  # distinct tokens: minimum needed, maximum examined
_SHARE = 0.9  # of the distinct tokens
_MOST_DIFFERENT = 60  # maximum number of distinct affixes


class _Kind(NamedTuple):
    """A kind of affix: its name, and a pattern with the groups `affix` and `token`."""

    name: str
    pattern: re.Pattern[str]


_KINDS = (
    _Kind("a prefix with a colon", re.compile(r"(?P<affix>[A-Za-z][\w-]{0,11}:)(?P<token>.+)", re.DOTALL)),
    _Kind("a segment index at the end", re.compile(r"(?P<token>.+)(?P<affix>[0-9])", re.DOTALL)),
    _Kind("a part of speech after a slash", re.compile(r"(?P<token>.+)(?P<affix>/[^/\s]{1,12})", re.DOTALL)),
    _Kind("a part of speech after _", re.compile(r"(?P<token>.+)(?P<affix>_[^_\s]{1,12})", re.DOTALL)),
    _Kind("a part of speech after |", re.compile(r"(?P<token>.+)(?P<affix>\|[^|\s]{1,12})", re.DOTALL)),
    _Kind("quotes around them", re.compile(r"""(?P<affix>["'])(?P<token>.+)(?P=affix)""", re.DOTALL)),
    _Kind("a marker character in front", re.compile(r"(?P<affix>[▁Ġ\ufeff])(?P<token>.+)", re.DOTALL)),
)


class Affix(NamedTuple):
    """An affix that nearly all distinct tokens share."""

    kind: _Kind
    share: float
    example: str

    def __str__(self) -> str:
        example = f"{self.example!r} instead of {self.strip(self.example)!r}"
        return f"{self.share:.0%} of the distinct tokens have {self.kind.name}: {example}"

    def strip(self, token: str) -> str:
        """Return a token without the affix."""
        match = self.kind.pattern.fullmatch(token)
        return match["token"] if match else token


def find_affix(words: Collection[str]) -> Affix | None:
    """Return the affix that nearly all of the first 20,000 distinct words share, or None."""
    tokens = list(islice(words, _MOST))
    if len(tokens) < _FEWEST:
        return None
    for kind in _KINDS:
        affixes: Counter[str] = Counter()
        example = ""
        missed = 0
        for token in tokens:
            if match := kind.pattern.fullmatch(token):
                affixes[match["affix"]] += 1
                example = example or token
            elif (missed := missed + 1) > (1 - _SHARE) * len(tokens):
                break
        else:
            if len(affixes) <= min(_MOST_DIFFERENT, len(tokens) // 2):
                return Affix(kind, affixes.total() / len(tokens), example)
    return None
