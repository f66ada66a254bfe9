"""Scripts that are written without spaces between words.

These are Chinese and Japanese characters, Thai, Lao, Khmer, Burmese, Tibetan, Yi and their relatives: the
letters with the line break classes ID, CJ and SA (Unicode Standard Annex 14), and Tibetan, Javanese and
Balinese. Their punctuation (、。「」！) is included. Korean is written with spaces and is not included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import regex

_LETTERS = (
    "\u0e01-\u0eff\u0f00-\u109f"  # Thai, Lao, Tibetan, Burmese
    "\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f"  # Khmer, Tai Le, Tai Lue, Tai Tham, Balinese
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u303f"  # radicals, iteration marks, Suzhou numerals
    "\u3041-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf"  # Kana, Bopomofo, strokes, Han, Yi
    "\ua980-\ua9df\ua9e0-\ua9ff\uaa60-\uaadf"  # Javanese, more Burmese, Tai Viet
    "\uf900-\ufaff\uff66-\uff9f"  # compatibility ideographs, half-width Katakana
    "\U00011700-\U0001174f\U00016fe0-\U00018d7f"  # Ahom, Tangut
    "\U0001aff0-\U0001b2ff\U00020000-\U0003fffd"  # more Kana, more Han
)
_PUNCTUATION = (
    "\u3001-\u3004\u3008-\u3020\u3030\ufe10-\ufe1f\ufe30-\ufe4f"  # 、。《》「」〒, vertical forms
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffe6"  # full-width ！，（）：；？
)
_ANY = rf"[{_LETTERS}{_PUNCTUATION}]"
_STARTS = r"(?![\p{Nd}\p{GCB=Extend}\p{GCB=SpacingMark}])"  # not a digit or part of the previous character
_SHRUG = r"(?!(?<=¯\\_\()ツ)"  # the emoticon ¯\_(ツ)_/¯ is one token
_CHARACTER = regex.compile(rf"(?={_ANY}){_STARTS}{_SHRUG}\X")
GRAPHEME = regex.compile(r"\p{Regional_Indicator}{2}[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}]*+|\X")
"""An extended grapheme cluster. Flags first: on a row of them, \\X alone takes quadratic time."""
_ENDS = regex.compile(rf"{_ANY}\p{{M}}*\Z", regex.REVERSE)  # from the end; forward, it takes quadratic time
_LETTER, _BEGINS = re.compile(f"[{_LETTERS}]"), re.compile(_ANY)  # re finds sets faster than regex
_MIN_WORDS, _MIN_SHARE = 10, 0.1


def characters(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each user-perceived character of these scripts, in linear time.

    A character is an extended grapheme cluster (Unicode Standard Annex 29): a Thai consonant with its vowel
    sign and tone mark is one, as is a Burmese or Khmer stack. Digits are left out: numbers are words.

    Example:
        >>> [text[start:end] for text in ["iPhone 15を買う", "ที่"] for start, end in characters(text)]
        ['を', '買', 'う', 'ที่']
    """
    if not text.isascii() and (first := _BEGINS.search(text)):
        yield from (match.span() for match in _CHARACTER.finditer(text, first.start()))


def meet(left: str, right: str) -> bool:
    """Return whether the end of one word or the start of the next is in such a script or its punctuation.

    No white space is written between the two. This includes a Latin word or a number next to a Chinese one
    (2020年, 用iPhone拍): both spellings are common, and the tokens are the same.
    """
    if left.isascii() and right.isascii():
        return False
    return bool(_BEGINS.match(right) or _ENDS.search(left))


def split_words(counts: Mapping[str, int]) -> list[str]:
    """Return the Latin letters and digits of a corpus that splits Latin words and numbers into characters.

    `rnner.text.tokenizer` keeps these words and numbers whole. The list is empty if the corpus has longer
    ones or no words in a script without spaces, or if its letters and digits occur fewer than ten times.

    Args:
        counts: number of occurrences of each word.
    """
    found = [word for word in counts if word.isascii() and word.isalnum()]
    single = all(len(word) == 1 for word in found) and any(_LETTER.match(word) for word in counts)
    return sorted(found) if single and sum(counts[word] for word in found) >= _MIN_WORDS else []


def segmented_words(counts: Mapping[str, int]) -> list[str]:
    """Return the words that have two or more characters of such a script, most frequent first.

    `rnner.text.tokenizer` splits text in these scripts into characters, so such words come from a segmenter
    or from people. The list is empty if they occur fewer than ten times or are under a tenth of all words.

    Args:
        counts: number of occurrences of each word.
    """
    found = [word for word in counts if sum(bool(_LETTER.match(word, i)) for i, _ in characters(word)) > 1]
    times = sum(counts[word] for word in found)
    enough = times >= _MIN_WORDS and times >= _MIN_SHARE * sum(counts.values())
    return sorted(found, key=lambda word: (-counts[word], word)) if enough else []
