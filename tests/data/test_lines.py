from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from rnner.data.lines import (
    first_lines,
    line_error,
    longest_record,
    read_blocks,
    read_line_blocks,
    read_lines,
    read_lines_of_sentences,
    read_pieces,
    read_text,
)
from rnner.errors import DataError, UsageError


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        list(read_lines(path))
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\n\r\ntwo\r\n", ["one", "", "two"]),
        (b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),
        ("a\x85b\u2028c\x0bd\x0ce\rf\n".encode(), ["a\x85b\u2028c\x0bd\x0ce\rf"]),
    ],
)
def test_lines_end_at_newlines_only(data: bytes, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(data)
    assert list(read_lines(path)) == lines
    assert list(read_lines(str(path))) == lines
    assert list(read_lines(io.BytesIO(data))) == lines
    assert list(read_lines(io.StringIO(data.decode(), newline="\n"))) == lines


def test_a_file_larger_than_a_block_is_read_completely(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    lines = [f"zażółć {i}" for i in range(150_000)]
    path.write_text("\r\n".join(lines), encoding="utf-8", newline="")
    assert path.stat().st_size > 2_000_000
    assert list(read_lines(path)) == lines


def test_a_byte_order_mark_is_skipped_only_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "marks.txt"
    lines = ["x" * (2**20 - 1), "ends the first block", "\ufeffbegins the second"]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert list(read_lines(path)) == lines


def test_standard_input_is_read_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text layer would decode by the locale and end lines at lone carriage returns."""
    stdin = io.TextIOWrapper(io.BytesIO("Łódź\rx\n".encode()), encoding="ascii")
    monkeypatch.setattr(sys, "stdin", stdin)
    assert list(read_lines(sys.stdin)) == ["Łódź\rx"]


@pytest.mark.parametrize("before", ["", "Krakau\n" * 3, "Łódź\n" * 300_000], ids=["1", "4", "300001"])
def test_a_byte_that_is_not_utf8_is_reported_with_line_and_column(before: str, tmp_path: Path) -> None:
    path = tmp_path / "latin.conll"
    path.write_bytes(before.encode() + "Łódź ".encode() + "Königsberg O\n".encode("latin-1"))
    line = before.count("\n") + 1
    assert refusal(path).startswith(f"{path}:{line}:7: not UTF-8 (byte 0xf6); if it is Latin-1")
    assert "iconv -f WINDOWS-1252 -t UTF-8" in refusal(path)


def test_a_nul_is_reported_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "late.conll"
    path.write_bytes(b"Bo O\n" * 4000 + b"Bo\0 O\n")
    assert refusal(path) == f"{path}:4001:3: a NUL character; is this a text file?"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("Bo O\n".encode("utf-16"), "UTF-16"),
        ("Bo O\n".encode("utf-16-le"), "UTF-16"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "gzip"),
        (bytes(64), "binary"),
        (b"\x89QNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(1, 60)), "binary"),
    ],
)
def test_files_that_are_not_text_are_recognised(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert message in refusal(path)


def test_a_missing_file_is_reported_with_the_closest_name(tmp_path: Path) -> None:
    (tmp_path / "train.conll").touch()
    assert refusal(tmp_path / "tain.conll").endswith(
        f"tain.conll: file not found; did you mean {tmp_path / 'train.conll'}?"
    )
    assert refusal(tmp_path / "zzz").endswith("zzz: file not found")
    assert refusal(tmp_path / "none" / "x").endswith(f"the folder {tmp_path / 'none'} does not exist either")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: this is a folder; give a file"
    (tmp_path / "file").touch()
    assert "cannot be read" in refusal(tmp_path / "file" / "x")


def test_lenient_reading_continues_after_invalid_bytes(tmp_path: Path) -> None:
    path = tmp_path / "stray.txt"
    text = b"one\nca\xe9\ntwo\0\n" + b"and more\n" * 20
    path.write_bytes(text)
    lines = list(read_lines(path, lenient=True))
    assert lines[:3] == ["one", "ca\udce9", "two\0"]
    assert len(lines) == 23
    with pytest.raises(DataError):
        list(read_lines(path))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"one\nca\xe9 two\n", "3002:3: not UTF-8 (byte 0xe9)"),
        ("Ada é 😀 ".encode() + b"\xe2\x82\n", "3001:9: not UTF-8 (byte 0xe2)"),
        (b"one\n\ntwo\0\n", "3003:4: a NUL character"),
    ],
)
def test_an_invalid_line_has_the_same_error_in_lenient_reading(
    tmp_path: Path, data: bytes, where: str
) -> None:
    path = tmp_path / "stray.txt"
    path.write_bytes(b"fine\n" * 3000 + data)
    numbered = enumerate(read_lines(path, lenient=True), 1)
    (error,) = filter(None, (line_error(line, str(path), number) for number, line in numbered))
    assert str(error) == refusal(path)
    assert str(error).startswith(f"{path}:{where}")


def test_lenient_reading_refuses_binary_files(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"\x89" + bytes(range(8)) * 50)
    with pytest.raises(DataError, match="binary"):
        list(read_lines(path, lenient=True))


def test_lines_from_a_pipe_are_yielded_at_once() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as other:
        other.write(b"one\ntwo\nthr")
        blocks = read_line_blocks(stream)
        assert next(blocks) == ["one", "two"]
        other.write(b"ee\n")
        assert next(blocks) == ["three"]
        other.write("a torn \u00e9".encode()[:-1])
        other.write(b"\xa9 at the end")
        other.close()
        assert list(blocks) == [["a torn \u00e9 at the end"]]


def test_blocks_are_the_unchanged_text(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfone\r\n\n" + b"y\n" * 700_000 + b"no end"
    (tmp_path / "text").write_bytes(data)
    blocks = list(read_blocks(tmp_path / "text"))
    assert "".join(blocks) == data.decode() and len(blocks) > 1
    assert all(block.endswith("\n") for block in blocks[:-1])


@pytest.mark.parametrize("place", [0, 1_048_575, 1_500_000])
def test_an_invalid_byte_is_located_in_any_block(tmp_path: Path, place: int) -> None:
    data = bytearray(b"abc\n" * 500_000)
    data[place] = 0xFF
    (tmp_path / "bad").write_bytes(data)
    assert f"bad:{place // 4 + 1}:{place % 4 + 1}: not UTF-8" in refusal(tmp_path / "bad")


# --- records of any length ---------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A stream that repeats a text for ever; `read_bytes` counts what was read."""

    name = "endless"

    def __init__(self, text: bytes) -> None:
        self.block, self.read_bytes = text * (2**16 // len(text)), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        size = min(len(buffer), len(self.block))
        buffer[:size] = self.block[:size]
        self.read_bytes += size
        return size


@pytest.fixture
def one_megabyte(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("RNNER_MAX_RECORD_MB", "1")
    return 1 << 20


def test_a_line_without_end_is_an_error_before_it_fills_the_memory() -> None:
    stream = Endless(b"a")
    with pytest.raises(DataError) as caught:
        list(read_lines(io.BufferedReader(stream)))
    assert str(caught.value) == (
        "endless:1: this line is longer than 16 MB; probably line breaks are missing; "
        "to read it, set RNNER_MAX_RECORD_MB=64"
    )
    assert stream.read_bytes <= 18 << 20


def test_the_longest_line_is_read_and_a_longer_one_is_an_error_with_its_number(
    tmp_path: Path, one_megabyte: int
) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("first\n" + "é" * (one_megabyte // 2) + "\nlast\n", encoding="utf-8")
    assert [len(line) for line in read_lines(path)] == [5, one_megabyte // 2, 4]
    path.write_text("first\nsecond\n" + "é" * (one_megabyte // 2) + "a\nlast\n", encoding="utf-8")
    assert refusal(path).startswith(f"{path}:3: this line is longer than 1 MB")


@pytest.mark.parametrize("given", ["", "0", "1.5", "-3", "64 MB", "9" * 30])
def test_the_limit_is_a_number_of_megabytes(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNER_MAX_RECORD_MB", given)
    with pytest.raises(UsageError, match=r"RNNER_MAX_RECORD_MB=.*: expected a whole number of megabytes"):
        longest_record()


def test_a_sentence_without_end_is_an_error(one_megabyte: int) -> None:
    with pytest.raises(DataError, match=r"^endless:1: this sentence is longer than 1 MB; probably blank"):
        list(read_lines_of_sentences(io.BufferedReader(Endless(b"Ada B-PER\n"))))


def test_a_sentence_that_is_too_long_is_reported_with_its_first_line(one_megabyte: int) -> None:
    text = "Ada O\n\n" * 200_000 + "Ada O\n" * 700_000
    lines = read_lines_of_sentences(io.BytesIO(text.encode()))
    with pytest.raises(DataError, match=r"^<stream>:400001: this sentence is longer than 1 MB"):
        list(lines)
    blank = "Ada O\n \t\n" * 400_000
    assert len(list(read_lines_of_sentences(io.BytesIO(blank.encode())))) == 800_000


def test_a_sample_is_no_longer_than_a_record(one_megabyte: int) -> None:
    lines = iter(["a" * (one_megabyte // 2)] * 10)
    assert len(first_lines(lines, 5)) == 2
    assert len(list(lines)) == 8
    assert first_lines(iter("abc"), 2) == ["a", "b"] and first_lines(iter("abc"), 9) == ["a", "b", "c"]


def test_pieces_of_a_text_divide_no_character(tmp_path: Path) -> None:
    path = tmp_path / "text"
    for shift in range(5):
        text = "\ufeff" + "a" * (2**20 - 5 + shift) + "é😀東" * 300_000
        path.write_text(text, encoding="utf-8")
        pieces = list(read_pieces(path))
        assert len(pieces) > 2 and "".join(pieces) == text[1:]


@pytest.mark.parametrize("data", [b"\xff", b"\xc3", b"\xe2\x82", b"\0"])
@pytest.mark.parametrize("before", ["", "two\nlines "])
def test_errors_in_pieces_have_line_and_column(data: bytes, before: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    begin = before + "é" * (2**20) + "x"
    path.write_bytes(begin.encode() + data)
    line, column = begin.count("\n") + 1, len(begin) - begin.rfind("\n")
    with pytest.raises(DataError) as caught:
        list(read_pieces(path))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "".join(read_pieces(path, lenient=True)).startswith(begin)


def test_a_text_that_is_one_record_is_bounded(tmp_path: Path, one_megabyte: int) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"a" * one_megabyte)
    assert len(read_text(path)) == one_megabyte
    path.write_bytes(b"a" * (one_megabyte + 1))
    with pytest.raises(DataError, match="text:1: this text is longer than 1 MB"):
        read_text(path)
