"""Raw text to tokens and back: character offsets, a tokenizer, a sentence splitter. No torch.

The tokenizer follows the habits of the corpora that taggers are trained on (Penn Treebank, CoNLL-2003):

* Words with inner hyphens, apostrophes, full stops or digits stay whole: all-rounder, O'Brien, 1,000, 3.5.
* Clitics are split off: John 's, do n't, they 're, with ' as with ’.
* Abbreviations and initials keep their full stop (Mr., Inc., U.S., J. K.); other words give it up: spell .
* Quotes, brackets, commas, currency and per cent signs stand alone; runs of a mark stay together: ... -- !!
* URLs, e-mail addresses, @user, #tag, emoticons and emoji (skin tones, joiners, flags) are one token each.
* What is written without spaces between words (東京に行く) stays in runs between punctuation.

Every character that is not white space (`str.isspace`) is in exactly one token.
"""

from __future__ import annotations

from typing import NamedTuple

import regex

TOKENIZER = 1
"""The version of `tokenize` and `split_sentences`, kept in models: other tokens, another number."""


class Token(NamedTuple):
    """A word or mark: `text` is what stands at `[start:end]` of the whole text, in characters, half-open."""

    text: str
    start: int
    end: int


# What keeps its full stop: always, before a name, before a number.
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

_SPACE = r"\s\x1c-\x1f"  # all that str.isspace takes for white space
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
_LABEL = rf"[{_ALNUM}]++(?:-++[{_ALNUM}]++)*+"
_POINT = r".,:;!?'’…*"  # does not end a URL
_LINK = rf'[^{_SPACE}{_POINT}<>"“”()\[\]]'
_PICTURE = r"\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}\U000e0020-\U000e007f]*+"

# What starts with a letter or digit. In both lists the first that fits is taken. Each is linear in what it
# takes: runs are possessive, and what is looked at and not taken is short, or is looked at once only.
_WORDS = [
    rf"\p{{L}}++(?=[{_SPACE},;!?)\"”]|\Z)",  # most words: the quick way
    # URLs with brackets in pairs, e-mail addresses
    rf"(?i:(?:https?|ftp)://|www\.)(?:{_LINK}++|[{_POINT}]++(?={_LINK})|\({_LINK}*+\))++",
    rf"[{_ALNUM}_.+%-]{{1,64}}+@{_LABEL}(?:\.{_LABEL})++",
    # full stops that belong to a word: abbreviations, U.S., U.S.-Japan, J.-P., initials, "1." opening a line
    rf"(?=\p{{L}}++\.)(?:\L<abbreviations>\.(?![{_INSIDE}.])"
    r"|\L<titles>\.(?=[ \t\xa0]?\p{Lu})|\L<numbering>\.(?=[ \t\xa0]?\p{N}))",
    rf"(?:\p{{L}}\.){{2,8}}+(?:-{_WORD}|(?![{_INSIDE}]))|\p{{Lu}}\.(?:-\p{{Lu}}\.)++",
    r"(?!I\.[ \t\xa0]?+\p{Lu}(?!\.))\p{Lu}\.(?=[ \t\xa0]?[\p{Lu},])|(?<![^\n])\p{N}{1,3}+\.(?=[ \t]++[^\s])",
    # key caps, clitics, the first part of don't, US$; words at last
    rf"[0-9]\ufe0f?\u20e3|[nN]['’][tT]{_NO_WORD_AFTER}|\p{{L}}+(?=[nN]['’][tT]{_NO_WORD_AFTER})",
    rf"\p{{Lu}}{{1,3}}+\p{{Sc}}|{_WORD}",
]
# What starts with anything else but white space.
_MARKS = [
    r"[,\"“”()\[\]{}%]",  # never the start of more: the quick way
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
    # emoji: key caps, flags, sequences; all the rest one by one
    rf"[\#*]\ufe0f?\u20e3|\p{{Regional_Indicator}}{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*+|.",
]
_TOKEN = regex.compile(
    rf"(?:(?=[{_ALNUM}])(?:{'|'.join(_WORDS)})|(?=[^{_SPACE}])(?s:{'|'.join(_MARKS)}))\p{{M}}*+",
    abbreviations=[form for word in _ABBREVIATIONS.split() for form in (word, word.upper())],
    titles=[form for word in _TITLES.split() for form in (word, word.upper())],
    numbering=_NUMBERING.split(),
)


def tokenize(text: str) -> list[Token]:
    """The tokens of a raw text, in order (see the module's text for what a token is).

    `text[token.start : token.end] == token.text` for each; they do not overlap, and none is empty or holds
    white space. Any text will do; the time is linear in its length.

    Example:
        >>> [token.text for token in tokenize("Dr. O'Brien didn't pay $1,000.")]
        ['Dr.', "O'Brien", 'did', "n't", 'pay', '$', '1,000', '.']
        >>> tokenize("It rained.")[1]
        Token(text='rained', start=3, end=9)
    """
    return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]
