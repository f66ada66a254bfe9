"""Files that are not plain text, recognised by their first bytes, and what to do with each kind."""

from __future__ import annotations

import re
from pathlib import PurePath

_SAVE_AS_TEXT = "save it as plain text (.txt, UTF-8) and give that file"
_IMAGE = "an image; rnner reads text: run optical character recognition (OCR) first"

_MAGIC = [
    (b"%PDF-", f"a PDF; extract its text first (pdftotext FILE FILE.txt), or {_SAVE_AS_TEXT}"),
    (b"{\\rtf", f"an RTF document; {_SAVE_AS_TEXT}"),
    (b"\xd0\xcf\x11\xe0", f"an old Microsoft Office document (.doc, .xls); {_SAVE_AS_TEXT}"),
    (b"\x1f\x8b", "a gzip file; unpack it first (gunzip)"),
    (b"BZh91AY&SY", "a bzip2 file; unpack it first (bunzip2)"),
    (b"\xfd7zXZ", "an xz file; unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file; unpack it first (unzstd)"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it and give a file in it"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it and give a file in it"),
    (b"PAR1\x15", "a Parquet file; its rows can be read only by commands that take annotated data"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV"),
    (b"\x89PNG", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF87a", _IMAGE),
    (b"GIF89a", _IMAGE),
    (b"II*\0", _IMAGE),
    (b"MM\0*", _IMAGE),
]
_ZIP = b"PK\x03\x04"
_ZIP_KINDS = {
    "docx": "a Word document (.docx)",
    "odt": "an OpenDocument text (.odt)",
    "epub": "an e-book (.epub)",
    "pptx": "a PowerPoint presentation (.pptx)",
}
_IN_ZIP = {
    b"word/": "docx",
    b"opendocument.text": "odt",
    b"epub+zip": "epub",
    b"ppt/": "pptx",
    b"xl/": "xlsx",
}
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html\b|<html(?:\s[^<>\t\n]*)?>)", re.IGNORECASE)


def kind_of(head: bytes, name: str) -> str:
    """Return the kind of a file that is not plain text, with advice; an empty string for plain text.

    Args:
        head: its first kilobytes.
        name: its path, whose suffix distinguishes formats that are ZIP archives.

    Example:
        >>> kind_of(b"%PDF-1.7", "report.pdf").split(";")[0]
        'a PDF'
        >>> kind_of(b"Ada wrote.", "letter.pdf")
        ''
    """
    if head.startswith(_ZIP):
        return _zip_kind(head, PurePath(name).suffix[1:].lower())
    if _HTML.match(head):
        return f"an HTML page; open it in a browser and {_SAVE_AS_TEXT}"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def _zip_kind(head: bytes, suffix: str) -> str:
    inside = next((kind for mark, kind in _IN_ZIP.items() if mark in head), suffix)
    if "xlsx" in (inside, suffix):
        return "a spreadsheet (.xlsx); save the sheet as CSV and give that file"
    if kind := _ZIP_KINDS.get(suffix) or _ZIP_KINDS.get(inside):
        return f"{kind}; {_SAVE_AS_TEXT}"
    return "a ZIP archive; unpack it and give a file in it"
