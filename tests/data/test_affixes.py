"""Affixes that all tokens share are found; ordinary text has none."""

from string import ascii_lowercase

import pytest

from rnner.data.affixes import find_affix

NEWS = "Clara Ruiz lives in Lima and works for Inca Foods since last May ; she reads ( a lot ) ."
TWEET = "@anna :) http://t.co/1 #Berlin 10:30 re:publica co2 mp3 a/b 's C_3 \"yes\" 5 . , it's on AC/DC"
WORDS, TWEETS = NEWS.split(), TWEET.split()


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda word: f"en:{word}", "a prefix with a colon"),
        (lambda word: f"{'en' if len(word) > 3 else 'es'}:{word}", "a prefix with a colon"),
        (lambda word: f"{word}{len(word) % 3}", "a segment index at the end"),
        (lambda word: f"{word}/{'NN' if word.isalpha() else 'SYM'}", "a part of speech after a slash"),
        (lambda word: f"{word}_{'NN' if word.isalpha() else 'SYM'}", "a part of speech after _"),
        (lambda word: f"{word}|{'NN' if word.isalpha() else 'SYM'}", "a part of speech after |"),
        (lambda word: f'"{word}"', "quotes around them"),
        (lambda word: f"▁{word}", "a marker character in front"),
    ],
)
def test_an_affix_of_all_tokens_is_found_and_stripped(write, name: str) -> None:
    affix = find_affix([write(word) for word in WORDS])
    assert affix is not None and affix.kind.name == name
    assert [affix.strip(write(word)) for word in WORDS] == WORDS
    assert str(affix).startswith(f"100% of the distinct tokens have {name}: ")


def test_chinese_characters_with_a_segment_index() -> None:
    tokens = [f"{character}{i % 3}" for i, character in enumerate("李明住在北京市的中心2023")]
    affix = find_affix(tokens)
    assert affix is not None
    assert "".join(map(affix.strip, tokens)) == "李明住在北京市的中心2023"


@pytest.mark.parametrize(
    "tokens",
    [WORDS, TWEETS, list("李明住在北京市的中心"), [str(n) for n in range(5)], [f"{w}:" for w in WORDS], []],
    ids=["news", "tweets", "characters", "few", "other colons", "nothing"],
)
def test_ordinary_text_has_no_affix(tokens: list[str]) -> None:
    assert find_affix(tokens) is None


def test_a_few_tokens_may_lack_the_affix() -> None:
    affix = find_affix([f"en:{word}" for word in WORDS] + [".."])
    assert affix is not None
    assert list(map(affix.strip, ["..", "en:a"])) == ["..", "a"]
    assert find_affix([f"en:{word}" for word in WORDS] + ["d", "e", "f", "g", "h"]) is None


def test_an_affix_is_found_in_a_short_sample() -> None:
    affix = find_affix(["en:Clara", "en:Ruiz", "en:left", "en:Lima", "en:."])
    assert affix is not None and affix.kind.name == "a prefix with a colon"


def test_endings_that_all_differ_are_no_affix():
    assert find_affix([f"{left}/{right}" for left in WORDS for right in ascii_lowercase]) is not None
    assert find_affix([f"Oslo/{a}{b}" for a in ascii_lowercase for b in ascii_lowercase]) is None
