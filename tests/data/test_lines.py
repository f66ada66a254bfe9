from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from rnner.data.lines import line_error, read_blocks, read_line_blocks, read_lines
from rnner.errors import DataError


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
