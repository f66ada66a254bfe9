"""Tokenizer: raw text to tokens with character offsets.

It follows the conventions of the corpora that taggers are trained on (Penn Treebank, CoNLL-2003):

* Words with inner hyphens, apostrophes, full stops or digits are one token: all-rounder, O'Brien, 1,000, 3.5.
* Clitics are split off: John 's, do n't, they 're, with ' or ’.
* Abbreviations and initials keep their full stop (Mr., Inc., U.S., J. K.). Other full stops are tokens.
* Quotes, brackets, commas, currency and per cent signs are tokens. Runs of one mark are one token: ... -- !!
* URLs, e-mail addresses, @user, #tag, emoticons and emoji (skin tones, joiners, flags) are one token each.
* In scripts without spaces between words (Chinese, Japanese, Thai, ..., see `rnner.text.unspaced`) each
  user-perceived character is a token. Numbers and words of other scripts between them stay whole.

Every character that is not white space (`str.isspace`) is in exactly one token.

`register_tokenizer` adds a tokenizer of your own, such as a word segmenter for Chinese.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

import regex

from rnner.errors import UsageError, did_you_mean
from rnner.text.unspaced import GRAPHEME, characters

TOKENIZER = 2
"""Version of `tokenize` and `split_sentences`, stored in models. Increase it when their output changes.

Models of older versions can still be used. Since version 1, only two things have changed: each character of a
script without spaces has become a separate token, and fewer sentences extend across a line break.
"""


class Token(NamedTuple):
    """A word or mark: the characters `[start:end]` of the text."""

    text: str
    start: int
    end: int


# Words that keep their full stop always, only before a name (titles), or only before a number (numbering).
_ABBREVIATIONS = """
    Mr Mrs Ms Mx Dr Prof Messrs Inc Corp Co Cos Ltd Bros Jr Sr Esq Ph.D M.Sc B.Sc
    Dept Univ Assn Ave Blvd vs etc al viz cf approx
    Jan Feb Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri
    Ala Ariz Calif Colo Conn Fla Ky Mich Minn Mont Neb Nev Okla Ont Penn Tenn Tex Va Wis Wyo
"""
_TITLES = """
    Mr Mrs Ms Mme Mlle Dr Prof Rev Fr Hon St Ste Mt Ft Wm Geo Chas Jos Thos
    Gen Lt Col Maj Capt Cmdr Adm Sgt Cpl Pvt Gov Pres Sen Sens Rep Reps Det Insp Supt Amb Sec
"""
_NUMBERING = "No Nos no nos Fig Figs fig figs Vol vol Art art Sec sec Ch ch pp p Nr nr ca c Sat Sun Mar"

_SPACE = r"\s\x1c-\x1f"  # the white space of str.isspace
_ALNUM = r"\p{L}\p{N}"
_INSIDE = rf"{_ALNUM}\p{{M}}\u00ad\u200c\u200d\u2060"  # marks, soft hyphens and joiners belong to a word
_RUN = rf"[{_ALNUM}][{_INSIDE}]*+"
_NO_WORD_BEFORE, _NO_WORD_AFTER = rf"(?<![{_INSIDE}])", rf"(?![{_INSIDE}])"
_CLITIC = rf"['’](?:s|d|m|re|ve|ll|S|D|M|RE|VE|LL)(?![{_INSIDE}]|['’](?!\p{{L}}))"
_JOINT = "|".join(
    [
        r"[-‐‑·]|_++",  # all-rounder, snake_case
        r"(?!(?<=\p{Ll}\p{Ll}|\p{N}\p{N})\.\p{Lu})\.",  # reuters.com, 3.5; but not "spell.Then"
        rf"(?<=[\p{{L}}\p{{M}}])(?!{_CLITIC})['’](?=\p{{L}})",  # O'Brien
        r"(?<=\p{N})[,:/](?=\p{N})",  # 1,000 and 4:30 and 1996/97
        r"(?<=\p{L})&(?=\p{L})",  # S&P
    ]
)
_WORD = rf"{_RUN}(?:(?:{_JOINT}){_RUN})*+"
_GAP = r"(?:[ \t\xa0]|\r?\n[ \t]*+)?+"  # between an abbreviation and the next word; the line may be wrapped
_LABEL = rf"[{_ALNUM}]++(?:-++[{_ALNUM}]++)*+"
_POINT = r".,:;!?'’…*"  # characters that cannot end a URL
_LINK = rf'[^{_SPACE}{_POINT}<>"“”()\[\]]'
_PICTURE = r"\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}\U000e0020-\U000e007f]*+"

# Tokens that start with a letter or digit. In both lists the first pattern that matches wins. Each takes
# linear time: runs are possessive, and lookaheads are short or tried only once.
_WORDS = [
    rf"\p{{L}}++(?=[{_SPACE},;!?)\"”]|\Z)",  # fast path for most words
    # URLs with balanced brackets, e-mail addresses
    rf"(?i:(?:https?|ftp)://|www\.)(?:{_LINK}++|[{_POINT}]++(?={_LINK})|\({_LINK}*+\))++",
    rf"[{_ALNUM}_.+%-]{{1,64}}+@{_LABEL}(?:\.{_LABEL})++",
    # full stops that belong to a word: abbreviations, U.S., U.S.-Japan, J.-P., initials, "1." at line start
    rf"(?=\p{{L}}++\.)(?:\L<abbreviations>\.(?![{_INSIDE}.])"
    rf"|\L<titles>\.(?={_GAP}\p{{Lu}})|\L<numbering>\.(?={_GAP}\p{{N}}))",
    rf"(?:\p{{L}}\.){{2,8}}+(?:-{_WORD}|(?![{_INSIDE}]))|\p{{Lu}}\.(?:-\p{{Lu}}\.)++",
    rf"(?!I\.{_GAP}\p{{Lu}}(?!\.))\p{{Lu}}\.(?={_GAP}[\p{{Lu}},])",
    r"(?<![^\n])\p{N}{1,3}+\.(?=[ \t]++[^\s])",
    # key caps, clitics, the first part of don't, US$; finally words
    rf"[0-9]\ufe0f?\u20e3|[nN]['’][tT]{_NO_WORD_AFTER}|\p{{L}}+(?=[nN]['’][tT]{_NO_WORD_AFTER})",
    rf"\p{{Lu}}{{1,3}}+\p{{Sc}}|{_WORD}",
]
# Tokens that start with any other character.
_MARKS = [
    r"[,\"“”()\[\]{}%]",  # fast path: these never start a longer token
    # 's, '70s, 'em; @user, #tag
    rf"(?=['’])(?:{_CLITIC}|{_NO_WORD_BEFORE}['’](?:\p{{N}}{{2}}s?|em){_NO_WORD_AFTER}|'')|``",
    rf"(?=[@\#]){_NO_WORD_BEFORE}(?:@|\#(?=[\p{{N}}_]*+\p{{L}}))[{_INSIDE}_]++",
    # emoticons
    rf"(?=[:;=]){_NO_WORD_BEFORE}[:;=]['’]?[-o^]?(?:\)++|\(++|[\]\[DPpOo3|/\\*])(?![{_INSIDE}/])",
    rf"[:;]-(?:\)++|\(++|[DPp])(?![{_INSIDE}])|(?=<){_NO_WORD_BEFORE}</?3++{_NO_WORD_AFTER}",
    r"\^[_.-]?\^|>_+<|-_+-|;_+;|¯\\_\(ツ\)_/¯",
    # signed numbers, runs of a mark
    rf"(?=[-+−.])(?<![{_INSIDE})\]%.])(?:[-+−]\.?|\.)(?=\p{{N}}){_WORD}",
    r"[!?]++|\.{2,}+|(?P<mark>[-*=_~+|\\/\#<>^•·–—…])(?P=mark)++",
    # emoji: key caps, flags, sequences; finally any single character
    rf"[\#*]\ufe0f?\u20e3|\p{{Regional_Indicator}}{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*+|.",
]
_TOKEN = regex.compile(
    rf"(?:(?=[{_ALNUM}])(?:{'|'.join(_WORDS)})|(?=[^{_SPACE}])(?s:{'|'.join(_MARKS)}))\p{{M}}*+",
    abbreviations=[form for word in _ABBREVIATIONS.split() for form in (word, word.upper())],
    titles=[form for word in _TITLES.split() for form in (word, word.upper())],
    numbering=_NUMBERING.split(),
)


def tokenize(text: str) -> list[Token]:
    """Split a raw text into tokens, in order. The module docstring defines what a token is.

    `text[token.start : token.end] == token.text` for each token. Tokens do not overlap, and none is empty or
    contains white space. Every text is accepted; the time is linear in its length.

    Example:
        >>> [token.text for token in tokenize("Dr. O'Brien didn't pay $1,000.")]
        ['Dr.', "O'Brien", 'did', "n't", 'pay', '$', '1,000', '.']
        >>> [token.text for token in tokenize("iPhone 15を東京で買う。")]
        ['iPhone', '15', 'を', '東', '京', 'で', '買', 'う', '。']
        >>> tokenize("It rained.")[1]
        Token(text='rained', start=3, end=9)
    """
    tokens: list[Token] = []
    end = 0
    for start, next_end in characters(text):
        if end < start:
            tokens += _spaced_tokens(text, end, start)
        tokens.append(Token(text[start:next_end], start, next_end))
        end = next_end
    return tokens + _spaced_tokens(text, end, len(text))


def _spaced_tokens(text: str, start: int, end: int) -> list[Token]:
    """Return the tokens between two positions, where no script without spaces is used."""
    return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text, start, end)]


# -- tokenizers of your own --------------------------------------------------------------------------------

Segmenter = Callable[[str], Iterable["str | tuple[int, int]"]]
"""A function that returns the words of a text in order, as strings or as (start, end) in characters."""

DEFAULT_TOKENIZER = "rnner"
_SEGMENTERS: dict[str, tuple[Segmenter, tuple[str, str]]] = {}


def register_tokenizer(name: str) -> Callable[[Segmenter], Segmenter]:
    """Register a `Segmenter` under a name, as a decorator; `text.tokenizer: NAME` in a config selects it.

    Words that are only white space are ignored. Entities never begin or end with characters that are in no
    word. Models store the name, not the code: pass the file that registers it as `--code` to train and to
    predict. When the same source runs again (a file loaded twice), the new function replaces the old one.

    Raises:
        ValueError: the name is missing (`@register_tokenizer` alone), or belongs to another tokenizer.

    Example:
        >>> @register_tokenizer("words")
        ... def split(text):
        ...     return text.split()
        >>> [token.text for token in find_tokenizer("words")("It  rained.")]
        ['It', 'rained.']
    """
    if not isinstance(name, str) or not name:
        raise ValueError(
            f'register_tokenizer needs a name, such as @register_tokenizer("mine"), not {name!r}'
        )
    source = sys._getframe(1).f_code.co_filename

    def register(segmenter: Segmenter) -> Segmenter:
        origin = (source, getattr(segmenter, "__qualname__", repr(segmenter)))
        if name == DEFAULT_TOKENIZER or _SEGMENTERS.get(name, (None, origin))[1] != origin:
            raise ValueError(f"tokenizer {name!r} is already defined; choose another name")
        _SEGMENTERS[name] = (segmenter, origin)
        return segmenter

    return register


@register_tokenizer("characters")
def _split_into_characters(text: str) -> Iterable[tuple[int, int]]:
    """Return the place of each user-perceived character, including those of Latin words and numbers."""
    return (match.span() for match in GRAPHEME.finditer(text))


def find_tokenizer(name: str) -> Callable[[str], list[Token]]:
    """Return the tokenizer with this name: `rnner` (`tokenize`), `characters`, or a registered one.

    Raises:
        UsageError: no tokenizer has this name. The returned function raises it if a word is not in the text.
    """
    if name == DEFAULT_TOKENIZER:
        return tokenize
    if name not in _SEGMENTERS:
        known = [DEFAULT_TOKENIZER, *sorted(_SEGMENTERS)]
        raise UsageError(
            f"no tokenizer is named {name!r}{did_you_mean(name, known)}; available: {', '.join(known)}; load "
            "your own with --code FILE (in Python: rnner.load(model, code=FILE))"
        )
    segmenter = _SEGMENTERS[name][0]
    return lambda text: _locate(name, text, segmenter(text))


def _locate(name: str, text: str, words: Iterable[str | tuple[int, int]]) -> list[Token]:
    """Return the words that a segmenter found in a text as tokens, without white space at their ends."""
    tokens: list[Token] = []
    end = 0
    for word in words:
        start, stop = _place(word, text, end)
        if not end <= start <= stop <= len(text):
            raise UsageError(
                f"the tokenizer {name!r} returned {word!r}, which is not in the text after character {end}; "
                "it must return the words of the text in order, as strings or as (start, end) in characters"
            )
        found = text[start:stop]
        if stripped := found.strip():
            start += len(found) - len(found.lstrip())
            end = start + len(stripped)
            tokens.append(Token(stripped, start, end))
    return tokens


def _place(word: object, text: str, after: int) -> tuple[int, int]:
    """Return the start and end of a word; the start is -1 if the word is invalid or not in the text."""
    match word:
        case str():
            start = text.find(word.strip(), after)
            return start, start + len(word.strip())
        case (int(start), int(end)) | (str(), int(start), int(end)):
            return start, end
    return -1, -1
