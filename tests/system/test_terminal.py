"""What may reach a terminal: every control character is a visible escape."""

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnner.system.terminal import DIRECTION_MARKS, GuardedStream, escape_quoted, guard_streams, printable

ORDINARY = "Ada שלום مرحبا नमस्ते e\u0301 👩\u200d👧 می\u200cخواهم \u00ad東京 \U000e0062"


def test_controls_become_visible_escapes():
    assert printable("a\x1b[31mb\r\n\tc\x00\x7f\x9b") == r"a\x1b[31mb\r\n\tc\x00\x7f\x9b"
    assert (
        printable("\u202egnp.exe\u2069\u200f\u061c\u2028\udcff")
        == r"\u202egnp.exe\u2069\u200f\u061c\u2028\udcff"
    )
    assert printable("a\nb\tc", keep="\n") == "a\nb\\tc"


def test_letters_of_all_scripts_and_joiners_stay():
    assert printable(ORDINARY) == ORDINARY


def test_every_control_and_every_control_of_the_direction_is_escaped():
    categories = {"Cc", "Cs", "Zl", "Zp"}
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    controls = {c for c in characters if unicodedata.category(c) in categories}
    controls |= {c for c in characters if unicodedata.bidirectional(c) in directions}
    assert {c for c in characters if printable(c) != c} == controls | set(DIRECTION_MARKS)


@given(st.text())
def test_escaping_twice_changes_nothing_more(text):
    assert printable(printable(text)) == printable(text)


def test_quoted_text_has_escapes_that_readers_decode():
    assert escape_quoted('{\n"a": "\u202e\x7f"\n}') == '{\n"a": "\\u202e\\u007f"\n}'


def test_a_guarded_stream_escapes_what_libraries_write():
    stream = io.StringIO()
    guarded = GuardedStream(stream)
    guarded.write("Warning: \x1b]0;title\x07\r\n")
    guarded.writelines(["a\tb\n", "\u202e\n"])
    assert stream.getvalue() == "Warning: \\x1b]0;title\\x07\\r\na\tb\n\\u202e\n"


def test_progress_bars_may_return_to_the_start_of_a_line():
    stream = io.StringIO()
    guarded = GuardedStream(stream)
    for text in ("\r 10%\r\x1b", "\n", "\x1b[A\x1b[A", "\x1b[A\x1b[2J"):
        guarded.write(text)
    assert stream.getvalue() == "\r 10%\\r\\x1b\n\x1b[A\x1b[A\\x1b[A\\x1b[2J"


@pytest.mark.parametrize("terminal", [False, True])
def test_stdout_is_guarded_only_if_it_is_a_terminal(terminal, monkeypatch):
    streams = io.StringIO(), io.StringIO()
    monkeypatch.setattr(streams[0], "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("sys.stdout", streams[0])
    monkeypatch.setattr("sys.stderr", streams[1])
    guard_streams()
    guard_streams()  # a second time, nothing happens
    sys.stdout.write("\x1b")
    sys.stderr.write("\x1b")
    assert [stream.getvalue() for stream in streams] == ["\\x1b" if terminal else "\x1b", "\\x1b"]
