"""Standard CRF features: the word, its affixes and shape, and those of its neighbours. Not a script itself.

It does not import rnner, so that it also runs where rnner is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

Features = dict[str, str | bool]


def features(words: Sequence[str]) -> list[Features]:
    """Return the features of each word in a sentence, including those of its neighbours."""
    own = [word_features(word) for word in words]
    result = []
    for i, word in enumerate(own):
        before = _named("-1:", own[i - 1]) if i else {"BOS": True}
        after = _named("+1:", own[i + 1]) if i + 1 < len(own) else {"EOS": True}
        result.append({"bias": True, **word, **before, **after})
    return result


def word_features(word: str) -> Features:
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
    """Return the kinds of characters, one per run: `Xx` for Paris, `X-d` for F-16, `.` for an ellipsis."""
    kinds = ("X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word)
    return "".join(kind for kind, _ in groupby(kinds))


def _named(prefix: str, word: Features) -> Features:
    return {prefix + name: value for name, value in word.items()}
