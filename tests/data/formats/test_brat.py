"""brat: pairs of a text and its annotations."""

import json
from pathlib import Path

import pytest

from rnner.data.corpus import read_split
from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.brat import read, save
from rnner.data.formats.detect import detect_format
from rnner.errors import DataError
from rnner.workbench.convert import convert

TEXT = "Ada Lovelace wrote to Charles\nBabbage, of North and South America.\n"
ANNOTATIONS = """\
T1\tPER 0 12\tAda Lovelace
T2\tPER 22 29;30 37\tCharles Babbage
T3\tLOC 42 47;58 65\tNorth America
R1\tKnows Arg1:T1 Arg2:T2
A1\tFamous T1
#1\tAnnotatorNotes T1\tborn 1815
*\tEquiv T1 T2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "letters" / "1843").mkdir(parents=True)
    (tmp_path / "letters" / "1843" / "b.txt").write_text(TEXT)
    (tmp_path / "letters" / "1843" / "b.ann").write_text(ANNOTATIONS)
    (tmp_path / "letters" / "a.txt").write_text("Rain.\n")
    (tmp_path / "letters" / "a.ann").write_text("")
    (tmp_path / "letters" / "README.txt").write_text("Letters.\n")
    return tmp_path / "letters"


@pytest.mark.parametrize("name", ["1843/b.txt", "1843/b.ann"])
def test_either_file_of_a_pair_is_the_document(folder: Path, name: str) -> None:
    source = SourceFile(folder / name)
    assert detect_format(source.path) == "brat"
    (document,) = read(source)
    assert document.text == TEXT and document.spans == [CharSpan(0, 12, "PER"), CharSpan(22, 37, "PER")]


def test_a_folder_is_a_corpus_in_the_order_of_names(folder: Path) -> None:
    source = SourceFile(folder)
    assert detect_format(folder) == "brat"
    first, second = sorted(read(source), key=lambda document: document.text)
    assert (first.path, second.path) == (folder / "1843" / "b.txt", folder / "a.txt")
    assert len(read_split(folder)) == 2


def test_everything_that_is_not_read_is_noted(folder: Path) -> None:
    source = SourceFile(folder)
    list(read(source))
    gap = f"{folder / '1843' / 'b.ann'}:3 ('North America')"
    assert set(source.note_lines()) == {
        f"discontinuous entities left out, such as {gap}: 1",
        "relations skipped: 2",
        "attributes skipped: 1",
        "notes skipped: 1",
        "texts without an .ann file skipped: 1",
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "T1\tPER 0 12\tCharles",
            r"a\.ann:2: the span 0-12 PER is 'Ada Lovelace' in the text, but .* 'Charles'",
        ),
        ("T1\tPER 0 99\tAda", r"a\.ann:2: the span 0-99 PER is outside the text"),
        ("T1 PER 0 3 Ada", r"a\.ann:2: expected an entity such as T1⇥PER 0 12⇥Ada Lovelace"),
        ("x" * 999, r"a\.ann:2: expected an entity .*'x{120}'$"),
    ],
)
def test_invalid_annotations_are_reported_with_their_line(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "a.ann").write_text(f"#1\tNote T1\tx\n{line}\n")
    with pytest.raises(DataError, match=message):
        list(read(SourceFile(tmp_path)))


def test_annotations_without_a_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("")
    with pytest.raises(DataError, match=r"a\.ann: these annotations have no text: .*a\.txt does not exist"):
        list(read(SourceFile(tmp_path)))


def test_a_text_alone_is_not_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    assert detect_format(tmp_path / "a.txt") == "conll"
    with pytest.raises(DataError, match="this is a folder; give a file, a brat folder"):
        detect_format(tmp_path)


def test_line_ends_of_windows_may_be_counted_as_one_character(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("😀\r\nAda".encode())
    for places in ("3 6", "2 5"):
        (tmp_path / "a.ann").write_text(f"T1\tPER {places}\tAda\n")
        (document,) = read(SourceFile(tmp_path))
        assert document.text[document.spans[0].start : document.spans[0].end] == "Ada"


def test_an_entity_over_a_line_break_is_written_in_fragments(tmp_path: Path) -> None:
    documents = [AnnotatedText("in New\nYork", [CharSpan(3, 11, "LOC")], 1)]
    save(documents, tmp_path / "out", SourceFile(tmp_path))
    assert (tmp_path / "out" / "1.ann").read_text() == "T1\tLOC 3 6;7 11\tNew York\n"
    assert "[entities]\nLOC\n" in (tmp_path / "out" / "annotation.conf").read_text()
    assert [it.spans for it in read(SourceFile(tmp_path / "out"))] == [documents[0].spans]


@pytest.mark.parametrize(
    ("text", "label", "problem"),
    [
        ("Ada", "a person", "the label 'a person'"),
        ("\ufeffAda", "PER", r"a text that begins with U\+FEFF"),
        ("Ada\0", "PER", "a text with a NUL character"),
    ],
)
def test_what_brat_cannot_hold_is_refused(tmp_path: Path, text: str, label: str, problem: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": text, "label": [[0, 3, label]]}), encoding="utf-8")
    with pytest.raises(DataError, match=f"brat cannot hold {problem}"):
        convert(SourceFile(path), tmp_path / "out", form="doccano", to="brat")
    assert not (tmp_path / "out").exists()


def test_spans_that_cut_tokens_name_the_file_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    (tmp_path / "a.ann").write_text("T1\tLOC 0 3\tOsl\n")
    with pytest.raises(DataError, match=r"a\.txt:1: 0-3 LOC 'Osl' cuts 'Oslo'"):
        read_split(tmp_path)


def test_converting_nothing_but_discontinuous_entities_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(TEXT)
    (tmp_path / "in" / "a.ann").write_text("T3\tLOC 42 47;58 65\tNorth America\n")
    with pytest.raises(DataError, match="no entities were read; discontinuous entities left out"):
        convert(SourceFile(tmp_path / "in"), tmp_path / "out", form="brat", to="conll")
