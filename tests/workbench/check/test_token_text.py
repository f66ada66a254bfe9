"""Findings about bytes, columns and characters, and their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import column_file, found, kinds, rows

from rnner.workbench.check.lenient_reader import read_file
from rnner.workbench.check.token_text import fix_mojibake, strip_invisible

CLEAN = "Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\n"


def test_a_clean_file_has_no_finding():
    assert found(CLEAN) == []


def test_invalid_bytes_are_reported_line_by_line(tmp_path):
    path = tmp_path / "latin.conll"
    path.write_bytes(CLEAN.encode() + b"Caf\xe9\tO\nZo\xeb\tO\nnul\0\tO\nna\xc3\xafve\tO\n" + b"and\tO\n" * 9)
    assert found(read_file(path), kind="encoding") == [
        "4:4 the byte 0xe9 in 'Caf\\udce9\\tO'",
        "5:3 the byte 0xeb in 'Zo\\udceb\\tO'",
        "6:4 a NUL character in 'nul\\x00\\tO'",
    ]


def test_all_ragged_rows_are_reported():
    text = CLEAN + "New\tYork\tB-LOC\nalone\nagain\tO"
    assert found(text, kind="columns") == [
        "4:1 3 columns, where most rows have 2 (separated by tabs): 'New\\tYork\\tB-LOC'",
        "5:1 1 column, where most rows have 2 (separated by tabs): 'alone'",
    ]


def test_a_column_of_numbers_before_the_words_is_reported():
    (finding,) = found("1 Ada B-PER\n1 wrote O\n2 Rome B-LOC", kind="word-column")
    assert "column 0 holds numbers or marks; words are read from column 1" in finding


def test_labels_in_a_column_after_their_prefixes_are_checked():
    file = column_file("Ada B PRS\nLind I PRS\nbor O _\n\nPiteå B LOC\n. O _")
    assert found(file) == []
    assert file.label_counts == {"PRS": 1, "LOC": 1}


def test_a_file_without_tags_does_not_stop_the_check():
    assert kinds("Ada wrote\nto Charles", "Ada B-PER\nwrote I-LOC") == ["layout", "transition"]


@pytest.mark.parametrize(
    ("word", "finding"),
    [
        ("", "4:1 no token"),
        (" ", "4:1 the token ' '"),
        ("\xa0", r"4:1 the token '\xa0'"),
    ],
)
def test_empty_tokens_are_errors(word, finding):
    assert found(f"{CLEAN}{word}\tO", kind="empty-token") == [finding]


@pytest.mark.parametrize(
    ("word", "column", "code"),
    [
        ("New York", 4, "U+0020"),
        ("10\xa0000", 3, "U+00A0"),
        ("York\u3000", 5, "U+3000"),
        ("\ufeffAda", 1, "U+FEFF"),
        ("zero\u200bwidth", 5, "U+200B"),
        ("so\xadft", 3, "U+00AD"),
        ("be\x07ll", 3, "U+0007"),
        ("\u202eleft", 1, "U+202E"),
        ("joiner\u200d", 7, "U+200D"),
        ("\ufe0f", 1, "U+FE0F"),
    ],
)
def test_invisible_characters_are_reported(word, column, code):
    assert found(f"{CLEAN}{word}\tO", kind="characters") == [f"4:{column} {code} in {word!a}"]


@pytest.mark.parametrize("word", ["👨‍👩‍👧", "❤️", "می‌خواهم", "naïve", "東京", "Ünïcödé", "…", "don’t", "€5"])
def test_visible_characters_are_not_reported(word):
    assert kinds(f"{CLEAN}{word}\tO") == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ZoÃ«", "Zoë"),
        ("donâ€™t", "don’t"),
        ("â€œ", "“"),
        ("ðŸ˜€", "😀"),
        ("Ã\x81rpád", None),
        ("SÃ£o", "São"),
    ],
)
def test_utf8_read_as_windows_1252_is_reported_with_the_original(word, meant):
    findings = found(f"{CLEAN}{word}\tO", kind="damaged-text")
    assert len(findings) == 1
    assert ("did you mean" in findings[0]) == (meant is not None)
    assert fix_mojibake(word) == meant


@pytest.mark.parametrize("word", ["Ärger", "âge", "SÃO", "Ã", "ÂNGELA", "Zoë"])
def test_words_with_such_letters_are_not_damaged(word):
    assert found(f"{CLEAN}{word}\tO", kind="damaged-text") == []


def test_lost_characters_are_reported():
    findings = found(f"{CLEAN}Caf\ufffd\tO", kind="damaged-text")
    assert findings == ["4:4 U+FFFD, a lost character, in 'Caf\ufffd'"]


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1))
def test_damaged_text_is_restored(word):
    damaged = "".join(
        bytes([byte]).decode("windows-1252", "ignore") or chr(byte) for byte in word.encode("utf-8")
    )
    assert fix_mojibake(damaged) in (word, None)


@given(st.text())
def test_strip_invisible_leaves_no_invisible_ends(word):
    seen = strip_invisible(word)
    assert seen == seen.strip()
    assert "\0" not in seen and "\u200b" not in seen


def test_a_sentence_of_hundreds_of_tokens_is_reported():
    long, fair = rows("word " * 201), rows("word " * 200)
    assert found(f"Ada B-PER\n{long}", kind="long-sentence")[0].startswith(
        "1:1 202 tokens, starting with 'Ada word"
    )
    assert found(f"Ada B-PER\n\n{fair}", kind="long-sentence") == []
