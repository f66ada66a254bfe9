"""Corrupt annotated files in realistic ways, for fuzz_data.py. Not a script itself.

All random choices come from the given generator, so the same generator gives the same file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

MOST_LINES = 200
LINE_ENDS = (b"\n", b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b" \n", b"\xe2\x80\xa8")
ENCODINGS = ("latin-1", "windows-1252", "utf-8-sig", "utf-16", "utf-16-le", "shift-jis", "koi8-r", "utf-7")
# Strings that are easily mistaken for something else, or lost.
ODD = (
    *("", " ", "\t", "\t\t", *"\0\r\x0b\x0c\x1c\x85\xa0\u2028\u2029\u3000\ufeff\u200b\u200d\u202e\ufe0f"),
    *("e\u0301", "👩‍👩‍👧", "🇫🇷", *"\U0010ffffİǅſ"),
    *("-DOCSTART-", "-DOCSTART- -X- O O", "# newdoc", "# text = a"),
    *("#", "#a", "1-2", "1.1", "_", "|", "NER=B-X"),
    *('"', "\\", "\\ud800", "{", "}", "[", "]", "[" * 5000, ",", "null", "NaN", "1e999", "-1", "9" * 5000),
    *('{"text": "a"}', '{"tokens": ["a"], "tags": ["O"]}', "PAR1", "\x1f\x8b", "x" * 3000, "a b"),
)
TAGS = (
    *("O", "o", "B", "B-", "I-", "-", "B-PER", "I-PER", "E-PER", "S-PER", "L-PER", "U-PER", "b-per", "B_PER"),
    *("B-per", "B-P-E-R", "I-ORG", "B-ORG", "0", "1", "2", "B- ", "B-\u00e9", "B-👩", "X-PER", "B-PER|I-ORG"),
)
MARKS = b"()*_|[]{}\"',;:#/\\-.="  # brackets of CoNLL-2012, `_` and `*` of WebAnno, quotes of CSV, ...
KEYS = (
    *("text", "tokens", "words", "tags", "ner_tags", "labels", "label", "entities", "spans", "start", "end"),
    *(
        "data",
        "annotations",
        "completions",
        "result",
        "value",
        "type",
        "answer",
        "document",
        "input_entities",
    ),
    *("start_byte", "end_byte", "length", "name", "hypertextlabels", "paragraphs", "classes", "documents"),
)
VALUES = (
    *("null", "true", "0", "-1", "1.5", "[]", "{}", '""', '" "', '"PER"', '["PER"]', '[0, 3, "PER"]', "[[]]"),
    *('{"text": "a"}', '"\\ud83d"', '"\\u0000"', "[null]", '{"start": 0, "end": 1, "label": "PER"}', "1e400"),
)
KEY = re.compile(rb'"[\w-]+"(?=: )')
VALUE = re.compile(rb'"[\w-]+": ("(?:[^"\\]|\\.)*"|[^\s,{}\[\]]+|\[[^\[\]]*\]|\{[^{}]*\})')
Lines = list[bytes]


def mutate(text: bytes, draw: Random) -> bytes:
    """Apply a few line mutations, then a few byte mutations. Return at most 200 lines."""
    lines = text.split(b"\n")
    for _ in range(draw.choice((0, 1, 1, 1, 2, 4))):
        lines = draw.choice(LINE_MUTATIONS)(lines or [b""], draw)
    end = draw.choice(LINE_ENDS) if draw.random() < 0.1 else b"\n"
    data = end.join(lines[:MOST_LINES])
    for _ in range(draw.choice((0, 0, 0, 0, 1, 2))):
        data = draw.choice(BYTE_MUTATIONS)(data, draw)
    return b"\n".join(data.split(b"\n")[:MOST_LINES])


def corpus_piece(corpora: Sequence[Lines], draw: Random) -> bytes:
    """Return up to 200 consecutive lines of a corpus, or lines of two corpora."""
    pieces = [_slice(draw.choice(corpora), draw) for _ in range(draw.choice((1,) * 7 + (2,)))]
    return b"\n".join([*(line for piece in pieces for line in piece)][:MOST_LINES]) + b"\n"


def _slice(lines: Lines, draw: Random) -> Lines:
    size = draw.choice((1, 3, 10, 50, MOST_LINES))
    start = draw.randrange(max(1, len(lines) - size))
    return lines[start : start + size]


def _on_lines(change: Callable[[bytes, Random], bytes]) -> Callable[[Lines, Random], Lines]:
    """Turn a mutation of one line into one that changes one line, a few, or all."""

    def changed(lines: Lines, draw: Random) -> Lines:
        share = draw.choice((0.0, 0.0, 0.0, 0.1, 1.0))
        sure = draw.randrange(len(lines))
        return [
            change(line, draw) if i == sure or draw.random() < share else line for i, line in enumerate(lines)
        ]

    return changed


def _cut(line: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(line))
    return draw.choice((line[:at], line[at:]))


def _insert(line: bytes, draw: Random) -> bytes:
    at = draw.choice((0, len(line), draw.randint(0, len(line))))
    return line[:at] + draw.choice(ODD).encode() + line[at:]


def _swap_columns(line: bytes, draw: Random) -> bytes:
    separator = b"\t" if b"\t" in line else b" "
    cells = line.split(separator)
    change = draw.choice(("swap", "drop", "double", "reverse", "odd", "tag"))
    i, j = draw.randrange(len(cells)), draw.randrange(len(cells))
    if change == "swap":
        cells[i], cells[j] = cells[j], cells[i]
    elif change == "drop":
        del cells[i]
    elif change == "double":
        cells.insert(i, cells[j])
    elif change == "reverse":
        cells.reverse()
    elif change == "odd":
        cells[i] = draw.choice(ODD).encode()
    else:
        cells[-1] = draw.choice(TAGS).encode()
    return separator.join(cells)


def _other_separator(line: bytes, draw: Random) -> bytes:
    old = b"\t" if b"\t" in line else b" "
    new = draw.choice((b"\t", b" ", b"  ", b" \t", b"\t\t", b",", b"\xc2\xa0", b""))
    return line.replace(old, new, draw.choice((-1, 1)))


def _other_encoding(line: bytes, draw: Random) -> bytes:
    """Encode the line with another encoding, or decode it with one."""
    encoding = draw.choice(ENCODINGS)
    if draw.random() < 0.5:
        return line.decode(errors="replace").encode(encoding, errors="ignore")
    return line.decode(encoding, errors="replace").encode(errors="ignore")


def _shuffle(lines: Lines, draw: Random) -> Lines:
    some = list(lines)
    draw.shuffle(some)
    return some


def _repeat(lines: Lines, draw: Random) -> Lines:
    at = draw.randrange(len(lines))
    return lines[:at] + [lines[at]] * draw.choice((2, 5, MOST_LINES)) + lines[at:]


def _drop(lines: Lines, draw: Random) -> Lines:
    share = draw.choice((0.02, 0.3, 0.9))
    return [line for line in lines if draw.random() >= share]


def _insert_line(lines: Lines, draw: Random) -> Lines:
    at = draw.randint(0, len(lines))
    return [*lines[:at], draw.choice((*ODD, "\t".join("ab"), "Ada O", "1\tAda\tO")).encode(), *lines[at:]]


def _remove_blank_lines(lines: Lines, draw: Random) -> Lines:
    return [line for line in lines if line.strip()] or lines


def _flip(data: bytes, draw: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(min(len(changed), draw.choice((1, 3, 20)))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _insert_bytes(data: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(data))
    new = draw.choice((draw.randbytes(draw.choice((1, 2, 40))), b"\xed\xa0\x80", b"\xff\xfe", b"\0" * 9))
    return data[:at] + new + data[at + draw.choice((0, len(new))) :]


def _truncate(data: bytes, draw: Random) -> bytes:
    return data[: draw.randint(0, len(data))]


def _change_number(data: bytes, draw: Random) -> bytes:
    """Replace a digit, such as one in an offset, a label or an index."""
    places = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return data
    at = draw.choice(places)
    return data[:at] + draw.choice((b"-1", b"0", b"1.5", b"99999", b"1e9", b"true", b'"1"')) + data[at + 1 :]


def _swap_marks(line: bytes, draw: Random) -> bytes:
    """Replace, drop or double one of the marks that have a meaning in some format."""
    places = [i for i, byte in enumerate(line) if byte in MARKS]
    if not places:
        return line
    at = draw.choice(places)
    new = draw.choice((b"", line[at : at + 1] * 2, bytes([draw.choice(MARKS)]), b"\\" + line[at : at + 1]))
    return line[:at] + new + line[at + 1 :]


def _other_key(line: bytes, draw: Random) -> bytes:
    """Rename a key of JSON, or exchange the values of two keys."""
    keys = KEY.findall(line)
    if not keys:
        return line
    old, new = draw.choice(keys), draw.choice((draw.choice(keys), f'"{draw.choice(KEYS)}"'.encode()))
    swapped = line.replace(old, b"\0").replace(new, old) if draw.random() < 0.5 else line.replace(old, b"\0")
    return swapped.replace(b"\0", new)


def _other_value(line: bytes, draw: Random) -> bytes:
    """Replace a value of JSON."""
    places = list(VALUE.finditer(line))
    if not places:
        return line
    match = draw.choice(places)
    return line[: match.start(1)] + draw.choice(VALUES).encode() + line[match.end(1) :]


LINE_MUTATIONS: tuple[Callable[[Lines, Random], Lines], ...] = (
    *map(_on_lines, (_cut, _insert, _swap_columns, _swap_columns, _other_separator, _other_encoding)),
    *map(_on_lines, (_swap_marks, _swap_marks, _other_key, _other_value)),
    *(_shuffle, _repeat, _drop, _insert_line, _remove_blank_lines),
)
BYTE_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_flip, _flip, _insert_bytes, _truncate, _change_number, _other_encoding),
)
