"""The well-known features of a CRF without a network: the word, its affixes, its shape, and its neighbours'.

It imports nothing of rnner: it also runs where that is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

Features = dict[str, str | bool]


def features(words: Sequence[str]) -> list[Features]:
    """What the CRF sees at each word of a sentence: the word and its neighbours."""
    own = [word_features(word) for word in words]
    seen = []
    for i, word in enumerate(own):
        before = _named("-1:", own[i - 1]) if i else {"BOS": True}
        after = _named("+1:", own[i + 1]) if i + 1 < len(own) else {"EOS": True}
        seen.append({"bias": True, **word, **before, **after})
    return seen


def word_features(word: str) -> Features:
    """What the CRF sees of a word."""
    return {
        "lower": word.lower(),
        "prefix3": word[:3],
        "suffix2": word[-2:],
        "suffix3": word[-3:],
        "shape": shape(word),
        "upper": word.isupper(),
        "title": word.istitle(),
        "digit": word.isdigit(),
    }


def shape(word: str) -> str:
    """Kinds of characters, each run once: `Xx` for Paris, `X-d` for F-16, `.` for an ellipsis."""
    kinds = ("X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word)
    return "".join(kind for kind, _ in groupby(kinds))


def _named(prefix: str, word: Features) -> Features:
    return {prefix + name: value for name, value in word.items()}
