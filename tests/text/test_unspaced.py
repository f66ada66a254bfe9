"""Scripts without spaces: characters as tokens, and no white space between them."""

import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from rnner.text.spacing import join, plain_spacing, spacing
from rnner.text.tokenizer import tokenize
from rnner.text.unspaced import meet, segmented_words, split_words


def tokens(text):
    return " ".join(token.text for token in tokenize(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("王小明在北京大学工作。", "王 小 明 在 北 京 大 学 工 作 。"),  # Chinese
        ("「人々」はパーティーへ、ｶﾞも", "「 人 々 」 は パ ー テ ィ ー へ 、 ｶﾞ も"),  # Japanese
        ("เขาอยู่ที่เชียงใหม่", "เ ข า อ ยู่ ที่ เ ชี ย ง ใ ห ม่"),  # Thai
        ("ຢູ່ວຽງຈັນ", "ຢູ່ ວ ຽ ງ ຈັ ນ"),  # Lao
        ("ក្រុងភ្នំពេញ។", "ក្រុ ង ភ្នំ ពេ ញ ។"),  # Khmer: stacked consonants stay together
        ("ရန်ကုန်မြို့၊", "ရ န် ကု န် မြို့ ၊"),  # Burmese
        ("བོད་", "བོ ད ་"),  # Tibetan
        ("か\u3099が葛\U000e0100", "か\u3099 が 葛\U000e0100"),  # voiced mark, variation selector
        # words of other scripts and numbers stay whole
        ("用iPhone 15拍的A股", "用 iPhone 15 拍 的 A 股"),
        ("2020年3.5万COVID-19疫苗", "2020 年 3.5 万 COVID-19 疫 苗"),
        ("ปี ๒๕๖๓ ราคา ฿1,000", "ปี ๒๕๖๓ ร า ค า ฿ 1,000"),
        ("ＡＢＣ１２３社のＴシャツ", "ＡＢＣ１２３ 社 の Ｔ シ ャ ツ"),
        ("서울에서 美國까지", "서울에서 美 國 까지"),  # Korean words
        # nothing that belongs to them goes into longer tokens
        ("见https://x.org/a_b。邮箱ada@x.org谢谢", "见 https://x.org/a_b 。 邮 箱 ada@x.org 谢 谢"),
        ("#东京# @小明:(一)", "# 东 京 # @ 小 明 : ( 一 )"),
        ("1月-3月，Apple's手机", "1 月 - 3 月 ， Apple 's 手 机"),
        (r"¯\_(ツ)_/¯ (ツ)", r"¯\_(ツ)_/¯ ( ツ )"),
    ],
)
def test_each_character_is_a_token(text, expected):
    assert tokens(text) == expected


@given(st.text("王ーがกี่์ក្រမြို့བོ", max_size=12).map("王".__add__))
def test_the_tokens_of_such_scripts_are_grapheme_clusters(text):
    assert [token.text for token in tokenize(text)] == regex.findall(r"\X", text)


@pytest.mark.parametrize("unit", ["東", "東a", "東1.", "。", "ក្", "http://a東", "ก\u0e48\u0e48"])
def test_such_texts_take_linear_time(unit):
    start = time.process_time()
    tokenize(unit * (20_000 // len(unit)))
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("王 小 明 在 IBM 工 作 ， 2020 年 。", "王小明在IBM工作，2020年。"),
        ("ที่ เ ชี ย ง ใ ห ม่", "ที่เชียงใหม่"),
        ("（ NASA ）", "（NASA）"),
        ("葛\U000e0100 城", "葛\U000e0100城"),
        ("the 2020 games , Oslo", "the 2020 games , Oslo"),
        ("서울 에서", "서울 에서"),
        ("", ""),
    ],
)
def test_words_are_joined_without_spaces_between_such_characters(words, text):
    assert join(words.split()) == text


def test_typographic_spacing_has_no_spaces_there_either():
    assert spacing(["他", "说", '"', "好", "的", '"', ",", "也", "3", "%"]) == [False] * 10


@given(st.lists(st.text("aB.,'东กี่。2", min_size=1, max_size=3), max_size=6))
def test_joined_words_are_found_where_the_spacing_says(words):
    text, apart = join(words), plain_spacing(words)
    assert text == "".join(word + " " * space for word, space in zip(words, apart, strict=True))
    assert apart[-1:] in ([], [False])


@given(
    st.lists(
        st.sampled_from(["東", "京", "が", "กี่", "ね", "。", "、", "」", "IBM", "2020", "and"]), max_size=8
    )
)
def test_joining_tokens_and_splitting_them_again_changes_nothing(words):
    assert [token.text for token in tokenize(join(words))] == words


def test_latin_words_do_not_meet():
    assert not meet("New", "York") and not meet("né", "Łódź")
    assert meet("年", "2020") and meet("2020", "年") and meet("NASA", "）")


def test_segmented_words_are_noticed_if_a_tenth_of_all_words_are():
    assert segmented_words({"北京": 4, "大学": 8, "在": 80, ".": 20}) == ["大学", "北京"]
    assert segmented_words({"北": 50, "2020": 90, "IBM": 10, "……": 90, "ที่": 90, "３月": 90}) == []
    assert segmented_words({"the": 901, "東京": 99}) == []
    assert segmented_words({"รถไฟ": 9}) == [] and segmented_words({"รถไฟ": 10}) == ["รถไฟ"]
    assert segmented_words({}) == []


def test_latin_words_that_are_split_into_characters_are_noticed():
    assert split_words({"年": 9, "2": 5, "0": 5, "A": 1, "。": 3}) == ["0", "2", "A"]
    assert split_words({"年": 9, "2": 5, "0": 5, "IBM": 1}) == [], "one is whole"
    assert split_words({"年": 9, "2": 5, "0": 4}) == [], "too few"
    assert split_words({"a": 9, "b": 5, ".": 4}) == [] == split_words({})


@pytest.mark.parametrize("mark", ["\u0301", "\u0e31"])
def test_a_long_run_of_marks_is_read_once(mark):
    """Thai vowel signs are letters and marks. To read the run again from each of them takes a minute."""
    marks = mark * 200_000
    assert not meet(f"{marks}a", "b")
    assert meet(f"ก{marks}", "b")
