import json
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import TOKENIZER, Token, tokenize


def words(text):
    return [token.text for token in tokenize(text)]


def sentences(text):
    return [" ".join(token.text for token in sentence) for sentence in split_sentences(text, tokenize(text))]


def test_the_output_of_version_2_of_the_tokenizer():
    # Models are saved with the version. If this output changes, TOKENIZER must be raised.
    text = "Dr. J. K. Ray's all-rounder (U.S., $3.5bn) didn’t win... "
    text += '"Go on!" 東京に行く @ada #x http://a.b/c?d 👩‍🚀'
    assert TOKENIZER == 2
    assert sentences(text) == [
        "Dr. J. K. Ray 's all-rounder ( U.S. , $ 3.5bn ) did n’t win ...",
        '" Go on ! "',
        "東 京 に 行 く @ada #x http://a.b/c?d 👩‍🚀",
    ]


# Tokens: each expected string is the tokens joined by spaces.


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (
            "Harry Potter and Hermione Granger invented a new spell.",
            "Harry Potter and Hermione Granger invented a new spell .",
        ),
        # words that are not split
        ("An all-rounder, O'Brien", "An all-rounder , O'Brien"),
        ("on 1996-08-30 at 4:30", "on 1996-08-30 at 4:30"),
        ("3.5 of 1,000 and 3-1/2 in 1996/97", "3.5 of 1,000 and 3-1/2 in 1996/97"),
        ("-3.5, +44 and .5", "-3.5 , +44 and .5"),
        ("minus -.5 (-2)", "minus -.5 ( -2 )"),
        ("the 1990s, the '70s, the 10th", "the 1990s , the '70s , the 10th"),
        ("S&P and AT&T at reuters.com", "S&P and AT&T at reuters.com"),
        ("snake_case, L'Équipe, d’Artagnan", "snake_case , L'Équipe , d’Artagnan"),
        ("5 o'clock, y'all, Gen'l", "5 o'clock , y'all , Gen'l"),
        # clitics
        ("John's and JOHN'S", "John 's and JOHN 'S"),
        ("I don't, can't, won't, CAN'T", "I do n't , ca n't , wo n't , CA N'T"),
        ("They're sure we'll say I'm, she'd, I've", "They 're sure we 'll say I 'm , she 'd , I 've"),
        ("I'd've", "I 'd 've"),
        ("John’s, don’t, they’re", "John ’s , do n’t , they ’re"),
        ("the students' books", "the students ' books"),
        ("Get 'em", "Get 'em"),
        # full stops
        ("the U.S. and U.N. at 5 a.m. today", "the U.S. and U.N. at 5 a.m. today"),
        ("J. K. Rowling, J.K. Rowling, J.-P. Sartre", "J. K. Rowling , J.K. Rowling , J.-P. Sartre"),
        ("Mr. Weasley, Dr. Who of Apple Inc.", "Mr. Weasley , Dr. Who of Apple Inc."),
        ("Apple vs. Intel Corp.", "Apple vs. Intel Corp."),
        ("INC. and DEPT. too", "INC. and DEPT. too"),
        ("in Jan. and Sept. 1996", "in Jan. and Sept. 1996"),
        ("St. Petersburg, St.Petersburg, Mr.Smith", "St. Petersburg , St. Petersburg , Mr. Smith"),
        ("The general: gen. He left Gen. Lee", "The general : gen . He left Gen. Lee"),
        ("No. 5, p. 7, but no. The Sun.", "No. 5 , p. 7 , but no . The Sun ."),
        ("U.S.-Japan talks, the U.S.'s", "U.S.-Japan talks , the U.S. 's"),
        ("So do I. We left.", "So do I . We left ."),
        ("It ends with plan B.", "It ends with plan B ."),
        ("one spell.Then another", "one spell . Then another"),
        ("1. Wands\n2. Owls", "1. Wands 2. Owls"),
        ("In 1996. It was 5.", "In 1996 . It was 5 ."),
        # marks
        ('"Well," he said, (or not); yes: [so]', '" Well , " he said , ( or not ) ; yes : [ so ]'),
        ("“Well” ‘so’ «là»", "“ Well ” ‘ so ’ « là »"),
        ("``Well''", "`` Well ''"),
        ("'quoted', grade 'D' is", "' quoted ' , grade ' D ' is"),
        ("$5, US$5, £3.20, 5%, 20€", "$ 5 , US$ 5 , £ 3.20 , 5 % , 20 €"),
        ("wait... what?! yes!!! -- so-- ---", "wait ... what ?! yes !!! -- so -- ---"),
        ("etc... and more…", "etc ... and more …"),
        ("either/or, km/h, a*b, C#", "either / or , km / h , a * b , C #"),
        ("1996–97", "1996 – 97"),
        # the net
        ("see http://x.org/a_(b)?c=1,2.", "see http://x.org/a_(b)?c=1,2 ."),
        ("(www.example.com/x)", "( www.example.com/x )"),
        ("HTTPS://X.ORG, ftp://x.org!", "HTTPS://X.ORG , ftp://x.org !"),
        ("<foo.bar+baz@mail.example.co.uk>", "< foo.bar+baz@mail.example.co.uk >"),
        ("@J_K_Rowling: #HarryPotter, #1, #7th", "@J_K_Rowling : #HarryPotter , # 1 , #7th"),
        ("me@home", "me @ home"),
        # emoticons
        (":) ;-) :'( =D <3 </3 :/ ^_^ -_-", ":) ;-) :'( =D <3 </3 :/ ^_^ -_-"),
        ("great :))) great:-)", "great :))) great :-)"),
        ("(note:) 8) a:(b) 16:3", "( note : ) 8 ) a : ( b ) 16:3"),
        # other scripts
        ("東京に行く。", "東 京 に 行 く 。"),
        ("वह १२,०००", "वह १२,०००"),
        ("می‌خواهم", "می‌خواهم"),  # a joiner inside a word
    ],
)
def test_tokens_follow_the_conventions_of_the_corpora(text, tokens):
    assert words(text) == tokens.split(" ")


@pytest.mark.parametrize(
    "emoji",
    [
        "🧙",
        "👍🏽",
        "🇬🇧",
        "👩‍🚀",
        "👩🏽‍🤝‍👨🏻",
        "👨‍👩‍👧‍👦",
        "❤️",
        "1️⃣",
        "#️⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_an_emoji_sequence_is_one_token(emoji):
    assert words(f"Hi: {emoji}{emoji} {emoji}!") == ["Hi", ":", emoji, emoji, emoji, "!"]


def test_flags_are_read_in_pairs():
    assert words("🇫🇷🇩🇪🇮") == ["🇫🇷", "🇩🇪", "🇮"]


def test_combining_marks_stay_with_their_base_character():
    assert words("e\u0301te\u0301, n\u0303") == ["e\u0301te\u0301", ",", "n\u0303"]
    assert words("a.\u0301 --\u0301") == ["a", ".\u0301", "--\u0301"]
    assert words("a \u0301b") == ["a", "\u0301", "b"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a\tb\nc\r\nd\u00a0e\u2003f\u2028g\x1ch", list("abcdefgh")),
        ("New\u200bYork", ["New", "\u200b", "York"]),
        ("co\u00adop", ["co\u00adop"]),
        ("\ufeffHarry", ["\ufeff", "Harry"]),
        ("a\x00b\x07", ["a", "\x00", "b", "\x07"]),
        ("x \ud83d y\ude00", ["x", "\ud83d", "y", "\ude00"]),
        ("", []),
        (" \n\t\u3000", []),
    ],
)
def test_strange_characters_and_white_space(text, tokens):
    assert words(text) == tokens


def test_offsets_count_characters_of_the_original():
    assert tokenize("👩‍🚀 Müller's\n") == [
        Token("👩‍🚀", 0, 3),
        Token("Müller", 4, 10),
        Token("'s", 10, 12),
    ]


# Properties of any text.

PIECES = (
    "a Z é İ ß 1 ½ २ . , - ' ’ \" ( ) / : ; = < 3 @ # _ $ % & * ! ? … — ` ^ \\ | + ~ 東 ま ก 한 ا "
    "U.S. Mr. n't 's http:// www. x@y.org I. \u0301 \u200d \u200b \ufe0f \u20e3 "
    "\u00ad \u0600 \ud83d \x00 👩 🏽 🚀 🇬 🇧 ❤"
)
pieces = st.sampled_from(PIECES.split(" "))
spaces = st.sampled_from([" ", "\t", "\n", "\r\n", "\u00a0", "\u2028", "\x1f", "\x85", "\n\n"])
texts = st.lists(pieces | spaces | pieces | st.text(max_size=3), max_size=14).map("".join)


@given(texts)
@settings(deadline=None, max_examples=400)
def test_every_character_that_is_not_white_space_is_in_exactly_one_token(text):
    end = 0
    for token in tokenize(text):
        assert token.text == text[token.start : token.end] != ""
        assert not any(character.isspace() for character in token.text)
        assert token.start >= end
        assert text[end : token.start].strip() == ""
        end = token.end
    assert text[end:].strip() == ""


@given(texts)
@settings(deadline=None, max_examples=300)
def test_joined_sentences_are_the_tokens(text):
    tokens = tokenize(text)
    divided = split_sentences(text, tokens)
    assert [token for sentence in divided for token in sentence] == tokens
    assert all(divided)


@given(st.lists(st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True), min_size=1, max_size=8))
@settings(deadline=None, max_examples=50)
def test_plain_words_are_tokens_and_the_last_full_stop_too(plain):
    assert words(" ".join(plain) + " .") == [*plain, "."]


UNITS = (
    "a . a. A. ab.Cd. a- a' a@ a@b. #1 1, -1. .- ( http:// http://(a www. http://a, \u0301 👩\u200d 🇫 an't "
    "' _ : a.. a% <3 \ud83d I. US$ 🏴\U000e0067 a@b-b-b-b-b-b-b-b-"
)


@pytest.mark.parametrize("unit", [*UNITS.split(" "), " ", "\n", "\n1. "])
@pytest.mark.parametrize(("before", "after"), [("", ""), ("A.", "Cd"), ("http://", " x")])
def test_no_text_takes_more_than_linear_time(unit, before, after):
    text = before + unit * (10_000 // len(unit)) + after
    start = time.process_time()
    split_sentences(text, tokenize(text))
    # Usually some hundredths of a second; many seconds if any step were quadratic.
    assert time.process_time() - start < 2


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a", "a.", "a..", "A.", "ab.Cd.", "a@", "a%", "http://(a", "'", ".-"])
def test_a_hundred_thousand_characters_without_a_space_take_less_than_a_second(unit):
    text = "A." + unit * (100_000 // len(unit)) + "Cd"
    start = time.process_time()
    tokenize(text)
    assert time.process_time() - start < 1


# Sentences.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He left. She stayed.", ["He left .", "She stayed ."]),
        ("Really?! Yes! 5 owls… Then", ["Really ?!", "Yes !", "5 owls …", "Then"]),
        ('He said "No." Then (he left.) Now', ['He said " No . "', "Then ( he left . )", "Now"]),
        ("He said. “So what?” ‘Yes.’ It ended", ["He said .", "“ So what ? ”", "‘ Yes . ’", "It ended"]),
        ('He left. "Yes," she said.', ["He left .", '" Yes , " she said .']),
        ('"Really?" he asked.', ['" Really ? " he asked .']),
        ("Mr. Weasley of Apple Inc. met J. K. Rowling.", ["Mr. Weasley of Apple Inc. met J. K. Rowling ."]),
        ("He is from the U.S. and rich. So?", ["He is from the U.S. and rich .", "So ?"]),
        ("It cost 3.5. and so on", ["It cost 3.5 . and so on"]),
        ("spell.Then", ["spell .", "Then"]),
        (
            "A HEADLINE\n\nthe text is very long and\ngoes on here\n \t\nend",
            ["A HEADLINE", "the text is very long and goes on here", "end"],
        ),
        ("one\r\n\r\ntwo", ["one", "two"]),
        ("行く。大阪も！", ["行 く 。", "大 阪 も ！"]),
        (". . Then", [". .", "Then"]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_sentences_end_at_the_expected_tokens(text, expected):
    assert sentences(text) == expected


# Entities.


def test_an_entity_is_written_in_a_fixed_order():
    entity = Entity("PER", 0, 12, "Harry Potter", 0.5)
    text = '{"label": "PER", "start": 0, "end": 12, "text": "Harry Potter", "score": 0.5}'
    assert json.dumps(entity.to_dict()) == text
    with pytest.raises(FrozenInstanceError):
        entity.label = "LOC"


def test_importing_the_tokenizer_is_light():
    heavy = ("torch", "numpy", "datasets")
    code = f"import sys, rnner.text.tokenizer; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
