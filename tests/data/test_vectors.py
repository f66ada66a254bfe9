"""Reading word vectors."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data import vectors as module
from rnner.data.vectors import read_vectors
from rnner.errors import DataError

GLOVE = """\
the 0.418 0.24968 -0.41242
, 0.013441 0.23682 -0.16899
Harry -0.12 1e-05 3
"""


@pytest.fixture
def write(tmp_path):
    def write(content, name="vectors.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def table(vectors):
    return {word: row.tolist() for word, row in zip(vectors.words, vectors.matrix, strict=True)}


def float32(*rows):
    return np.array(rows, dtype=np.float32).tolist()


def test_glove_has_no_header(write):
    path = write(GLOVE)
    vectors = read_vectors(path)
    assert vectors.words == ["the", ",", "Harry"]
    assert vectors.matrix.dtype == np.float32
    assert vectors.matrix.tolist() == float32(
        [0.418, 0.24968, -0.41242], [0.013441, 0.23682, -0.16899], [-0.12, 1e-05, 3]
    )
    assert (vectors.dimension, vectors.duplicates, vectors.path) == (3, 0, path)
    assert vectors.rows == {"the": 0, ",": 1, "Harry": 2}


@pytest.mark.parametrize(
    "content",
    [
        "3 3\n" + GLOVE,  # word2vec
        "3 3\n" + GLOVE.replace("\n", " \n"),  # fastText
        "3 3 \n" + GLOVE.replace("\n", " \n"),
        GLOVE.replace("\n", "\r\n"),
        GLOVE.replace("\n", " \r\n"),
        "\ufeff" + GLOVE,
        "\ufeff3 3\n" + GLOVE,
        GLOVE.rstrip("\n"),
        GLOVE + "\n\n",
        GLOVE.replace("\n", "\n\n"),
        GLOVE.replace("242\n", "242 \n"),  # a space after one row only
        pytest.param(gzip.compress(GLOVE.encode()), id="gzip"),
    ],
)
def test_all_variants_of_a_file_give_the_same_vectors(write, content):
    assert table(read_vectors(write(content))) == table(read_vectors(write(GLOVE, "plain.txt")))


def test_two_integers_are_a_row_if_the_second_line_has_one_number_too(write):
    assert table(read_vectors(write("1995 7\n1996 8\n"))) == {"1995": [7], "1996": [8]}
    assert table(read_vectors(write("2 1\n1995 7\n1996 8\n"))) == {"1995": [7], "1996": [8]}


def test_a_word_may_look_like_a_number_or_contain_csv_syntax(write):
    words = ["1995", '"', '"a', "\\", "NA", "nan", "null", "'", "#", "a,b", "a\tb"]
    words += ["\u00a0", "\u2028", "\x85", "\x0c", "é"]
    content = "".join(f"{word} {i} 0.5\n" for i, word in enumerate(words))
    assert table(read_vectors(write(content))) == {word: [i, 0.5] for i, word in enumerate(words)}


@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_a_word_may_hold_spaces(write, header):
    content = header + "the 1 2\n. . . 3 4\nnew york 5 6\nat name@domain.com 7 8\n"
    expected = {"the": [1, 2], ". . .": [3, 4], "new york": [5, 6], "at name@domain.com": [7, 8]}
    assert table(read_vectors(write(content))) == expected


def test_a_byte_order_mark_or_carriage_return_inside_the_file_belongs_to_a_word(write, monkeypatch):
    assert table(read_vectors(write("b\rb 1 2\n"))) == {"b\rb": [1, 2]}
    assert table(read_vectors(write("a 1 2\nc 3 4\rd 5 6\n"))) == {"a": [1, 2], "c 3 4\rd": [5, 6]}
    monkeypatch.setattr(module, "_BLOCK", 10)  # a block for each line
    assert table(read_vectors(write("a 1.5 2.5\n\ufeffa 3 4\n"))) == {"a": [1.5, 2.5], "\ufeffa": [3, 4]}


def test_the_first_row_of_a_word_counts(write):
    vectors = read_vectors(write("a 1 2\nb 3 4\na 5 6\na 7 8\nc 9 0\n"))
    assert table(vectors) == {"a": [1, 2], "b": [3, 4], "c": [9, 0]}
    assert vectors.duplicates == 2


@pytest.mark.parametrize("header", ["", "3 3\n"])
def test_limit_reads_the_first_rows_only(write, header):
    path = write(header + GLOVE + "broken\n")
    assert read_vectors(path, limit=2).words == ["the", ","]
    assert read_vectors(path, limit=3).words == ["the", ",", "Harry"]
    with pytest.raises(DataError):
        read_vectors(path, limit=4)


words = st.text(st.characters(codec="utf-8", exclude_characters="\n\r \0"), min_size=1, max_size=5)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.dictionaries(words, st.tuples(numbers, numbers), min_size=1, max_size=12), st.integers(1, 60))
@settings(deadline=None, max_examples=100)
def test_vectors_are_read_exactly_whatever_the_block_size(tmp_path_factory, rows, block):
    path = tmp_path_factory.mktemp("vectors") / "v.txt"
    lines = [f"{word} {a!r} {b!r}\n" for word, (a, b) in rows.items()]
    path.write_text(f"{len(rows)} 2\n" + "".join(lines), encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", max(block, max(len(line.encode()) for line in lines)))
        assert table(read_vectors(path)) == {word: list(row) for word, row in rows.items()}


def test_a_row_has_the_same_bits_in_regular_and_irregular_blocks(write):
    numbers = np.random.default_rng(0).normal(size=(200, 20))
    lines = [f"w{i} {' '.join(f'{x:.7g}' for x in row)}\n" for i, row in enumerate(numbers)]
    odd = ". . " + " ".join("0.5" for _ in range(20)) + "\n"
    plain, mixed = read_vectors(write("".join(lines))), read_vectors(write("".join([*lines, odd])))
    assert mixed.words == [*plain.words, ". ."]
    assert (mixed.matrix[:-1] == plain.matrix).all()


# --- invalid files ---


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (GLOVE + "wand 0.1 0.2\n", 4, "this row has 2 values, expected 3 as in line 1"),
        (GLOVE + "wand 0.1 0.2 0.3 0.4\n", 4, "this row has 4 values, expected 3 as in line 1"),
        (GLOVE + "\nwand 0.1\n", 5, "this row has 1 values"),
        (GLOVE.replace("\n", " \n") + "wand 0.1 0.2 0.3 0.4\n", 4, "this row has 4 values"),
        (GLOVE + "wand\n", 4, "this row has 0 values"),
        ("3 300\n" + GLOVE, 2, "this row has 3 values, expected 300 as in line 1"),
        ("3 2\n" + GLOVE, 2, "this row has 3 values, expected 2 as in line 1"),
        (GLOVE + "wand 0.1 0,2 0.3\n", 4, "'0,2' is not a number"),
        (GLOVE + "wand 0.1 0.2 1_0\n", 4, "'1_0' is not a number"),
        (GLOVE + "wand 0.1  0.3\n", 4, "'' is not a number"),
        (GLOVE + "wand 0.1 nan 0.3\n", 4, "'nan' is not a finite number"),
        (GLOVE + "wand 0.1 0.2 -inf\n", 4, "'-inf' is not a finite number"),
        (GLOVE + "wand 1e39 0.2 0.3\n", 4, "'1e39' is not a finite number"),
        ("the quick brown fox\n", 1, "a word and its numbers"),
        ("the\t0.1\t0.2\n", 1, "a word and its numbers"),
        (GLOVE.encode() + "café 0.1 0.2 0.3\n".encode("latin1"), 4, "not UTF-8.*iconv"),
    ],
)
def test_an_invalid_row_is_reported_with_its_line(write, content, line, message):
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read_vectors(path)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


def test_lines_are_counted_across_blocks(write, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 64)
    with pytest.raises(DataError) as caught:
        read_vectors(write("60 3\n" + GLOVE * 20 + "wand 0.1 0.2\n"))
    assert caught.value.line == 62


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no word vectors"),
        ("3 3\n", "no word vectors"),
        (
            b"3 3\nthe " + np.array([0.4, 0.2, 0], dtype=np.float32).tobytes(),
            "binary.*convert it to text",
        ),
        (GLOVE.encode("utf-16"), "binary"),
        (b"PK\x03\x04rest", "zip archive; unpack"),
        pytest.param(gzip.compress(GLOVE.encode() * 100)[:-20], "cannot be decompressed", id="cut gzip"),
        (b"\x1f\x8bnot really gzip", "cannot be decompressed"),
        (b"x" * 9_000_000, "over 4 MB"),
    ],
)
def test_a_file_of_another_kind_is_refused(write, content, message):
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read_vectors(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"glove\.txt: file not found"):
        read_vectors(tmp_path / "glove.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(tmp_path)


@pytest.mark.parametrize("size", ["9" * 30, "9" * 5_000])
def test_a_size_in_the_header_that_no_file_can_have_is_refused(write, size):
    with pytest.raises(DataError, match=r":\d: "):
        read_vectors(write(f"1 {size}\na 1 2\n"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_progress_is_reported_in_bytes_on_disk(tmp_path, pack):
    path, reported = tmp_path / "vectors.txt", []
    path.write_bytes(pack(GLOVE.encode()))
    read_vectors(path, progress=lambda done, total: reported.append((done, total)))
    assert reported == [(path.stat().st_size,) * 2]
