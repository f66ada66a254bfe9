"""The log of decisions as a corpus: the last decision about each text counts."""

from pathlib import Path

import pytest

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents
from rnner.errors import DataError

FIRST = '{"text": "Ada wrote.", "entities": [], "answer": "accept", "decision": {"number": 1}}\n'
SKIPPED = '{"text": "It rained.", "answer": "skip", "decision": {"number": 2}}\n'
AGAIN = (
    '{"text": "Ada wrote.", "entities": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}], '
    '"answer": "accept", "decision": {"number": 3}}\n'
)


@pytest.fixture
def source(tmp_path: Path) -> SourceFile:
    return SourceFile(tmp_path / "decisions.jsonl")


def test_replaced_and_skipped_texts_are_left_out_with_a_note(source: SourceFile) -> None:
    source.path.write_text(FIRST + SKIPPED + AGAIN)
    assert detect_format(source.path) == "decisions"
    (document,) = read_documents(source, "decisions")
    assert (document.text, document.spans, document.line) == ("Ada wrote.", [CharSpan(0, 3, "PER")], 3)
    assert source.note_lines() == ["decisions replaced by later ones: 1", "skipped texts left out: 1"]


@pytest.mark.parametrize("torn", [AGAIN[:1], AGAIN[:60], AGAIN[:-2]])
def test_an_unfinished_last_line_is_left_out_with_a_note(source: SourceFile, torn: str) -> None:
    source.path.write_text(FIRST + torn)
    (document,) = read_documents(source, "decisions")
    assert document.spans == []
    assert source.note_lines() == ["an unfinished last line left out: its decision was never confirmed"]


def test_only_the_line_break_of_the_last_line_is_missing(source: SourceFile) -> None:
    source.path.write_text(FIRST + AGAIN.rstrip("\n"))
    (document,) = read_documents(source, "decisions")
    assert document.line == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (FIRST + AGAIN[:60] + "\n" + SKIPPED, "2: not valid JSON"),
        (FIRST + AGAIN[:60] + "\n", "2: not valid JSON"),
        (FIRST + '{"text": "It rained."}\n', "2: expected the keys answer and decision"),
        (FIRST + AGAIN.replace('"end": 3', '"end": 30'), "2: .*30"),
    ],
)
def test_a_damaged_line_is_an_error(source: SourceFile, content: str, message: str) -> None:
    source.path.write_text(content)
    with pytest.raises(DataError, match=rf"decisions\.jsonl:{message}"):
        read_documents(source, "decisions")
