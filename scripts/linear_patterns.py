"""Pathological texts of any length, for linear_time.py. Not a script itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import Random

_WORDS = ("the", "Ada", "of", "Lovelace", "wrote", "in", "London", "and", "to", "a", "machine", "was", "1843")

# Texts that repeat one unit: name -> unit.
_REPEATED = {
    "letter": "a",
    "capital": "A",
    "digit": "7",
    "open brackets": "(",
    "close brackets": ")",
    "nested brackets": "([{",
    "brackets in pairs": "()",
    "urls": "http://",
    "url with brackets": "http://a(b",
    "www": "www.",
    "full stops": ".",
    "stops and spaces": ". ",
    "question marks": "?!",
    "hyphens": "-",
    "underscores": "_",
    "arrows": "-_",
    "apostrophes": "'",
    "straight quotes": '"',
    "quoted words": '"a" ',
    "quotes in words": "a'b",
    "curly quotes": "“”’",
    "clitics": "'s",
    "negations": "don't",
    "n and t": "n't",
    "digits and commas": "1,",
    "digits and stops": "1.",
    "numbering": "1. A\n",
    "titles": "Mr. ",
    "abbreviations": "etc. et al. No. 5 ",
    "initials": "U.S.A.",
    "single initials": "J. ",
    "hyphenated initials": "J.-",
    "hyphenated words": "well-",
    "slashes": "a/",
    "bars": "a|b|",
    "tags": "a/B-PER ",
    "tag prefixes": "B-",
    "e-mail": "a@",
    "e-mail domains": "a@b.c-",
    "hashes": "#",
    "hash tags": "#a1",
    "mentions": "@@a",
    "emoticons": ":-) :( ",
    "half emoticons": ":-",
    "shrugs": "¯\\_(ツ)_/¯",
    "half shrugs": "¯\\_(ツ",
    "backslashes": "\\",
    "ampersands": "&amp;",
    "half references": "&#",
    "half tags": "<a",
    "html tags": "<p>a</p>",
    "comments": "<!--",
    "declarations": "<![",
    "attributes": "<a b='c",
    "spaces": " ",
    "tabs": "\t",
    "newlines": "\n",
    "carriage returns": "\r",
    "windows line ends": "\r\n",
    "newlines and spaces": "\n ",
    "form feeds": "\f\v\x85",
    "zero width": "\u200b\u200d",
    "direction marks": "\u200f\u202e\u2066",
    "combining marks": "\u0301",
    "Thai marks": "\u0e49",
    "Thai": "กี่",
    "Khmer": "ក្ក",
    "Han": "東京、",
    "Han and Latin": "用a",
    "Arabic": "سلام ",
    "emoji chain": "👩\u200d",
    "flags": "🇩",
    "keycaps": "1\ufe0f\u20e3",
    "pictures and tones": "👍🏽",
    "soft hyphens": "a\u00ad",
    "camel case": "aB",
    "bullets": "• a\n",
    "keys": "Name: x\n",
    "table": "Ada\tPER\t1\n",
    "wide table": "a\t",
    "bar table": "| a | b |\n",
    "narrow lines": "the cat sat\nand ",
    "rules": "---\n",
    "full lines": "words and words and more words\n",
    "mojibake": "Ã©",
    "json": '{"a": ',
    "csv": 'a,"b""c",',
    "webanno": "1-1\t0-1\ta\t_\n",
}


def _repeat(unit: str) -> Callable[[int], str]:
    return lambda length: (unit * (length // len(unit) + 1))[:length]


def _marks_before_a_letter(length: int) -> str:
    return "\u0e01" + "\u0e49" * (length - 2) + "a"


def _marks_on_one_letter(length: int) -> str:
    return "a" + "\u0301" * (length - 1)


def _blank_after_stop(length: int) -> str:
    return "A." + " " * (length - 3) + "B"


def _nested(length: int) -> str:
    return "(" * (length // 2) + ")" * (length // 2)


def _different_words(length: int) -> str:
    return "".join(f"w{number} " for number in range(length // 2))[:length]


def _prose(length: int) -> str:
    draw = Random(0)
    words = (draw.choice(_WORDS) + (". " if number % 12 == 11 else " ") for number in count())
    parts, size = [], 0
    while size < length:
        parts.append(next(words))
        size += len(parts[-1])
    return "".join(parts)[:length]


PATTERNS: dict[str, Callable[[int], str]] = {
    **{name: _repeat(unit) for name, unit in _REPEATED.items()},
    "marks before a letter": _marks_before_a_letter,
    "marks on one letter": _marks_on_one_letter,
    "spaces after a stop": _blank_after_stop,
    "deep brackets": _nested,
    "different words": _different_words,
    "prose without line breaks": _prose,
}
"""Functions that return a text of a length in characters, by name."""
