"""Files that are not plain text are named by their kind, wherever lines are read."""

import io
import zipfile
from pathlib import Path

import pytest

from rnner.data.formats.detect import detect_format
from rnner.data.lines import read_lines
from rnner.data.other_files import kind_of
from rnner.errors import DataError


def zipped(*names: str, first: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, first or "<x/>")
    return stream.getvalue()


WORD = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", ["a PDF", "plain text"]),
        ("a.txt", b"%PDF-1.4\n1 0 obj\n", ["a PDF", "pdftotext"]),
        ("a.docx", WORD, ["a Word document (.docx)", "save it as plain text"]),
        ("letters", WORD, ["a Word document"]),
        ("a.odt", zipped("mimetype", first="application/vnd.oasis.opendocument.text"), ["an OpenDocument"]),
        ("a.xlsx", zipped("[Content_Types].xml", "xl/workbook.xml"), ["a spreadsheet", "CSV"]),
        ("a.zip", zipped("a/train.txt"), ["a ZIP archive", "unpack it"]),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ["an old Microsoft Office document"]),
        ("a.rtf", b"{\\rtf1\\ansi Ada wrote.}", ["an RTF document"]),
        ("a.html", b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><p>Ada", ["an HTML page"]),
        ("a.htm", b'<html lang="en">\n<body>Ada', ["an HTML page"]),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", ["an image", "OCR"]),
        ("a.txt.xz", b"\xfd7zXZ\0\0", ["an xz file", "unpack"]),
    ],
)
def test_a_file_that_is_not_plain_text_is_named_with_advice(
    tmp_path: Path, name: str, data: bytes, words: list[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        list(read_lines(path))
    assert str(caught.value).startswith(f"{path}: this is {words[0]}") and words[-1] in str(caught.value)
    with pytest.raises(DataError, match="this is a"):
        list(read_lines(path, lenient=True))


@pytest.mark.parametrize(
    "text", ["<html O\n", "PK O\n", "GIF8 O\n", "BZh O\n", "Rar! O\n", "PAR1 O\n", "{\\ O\n", "%PDF O\n"]
)
def test_words_that_begin_like_other_files_are_text(text: str) -> None:
    assert kind_of(text.encode(), "train.conll") == ""


def test_detection_leaves_the_message_to_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    assert detect_format(path) == "conll"
