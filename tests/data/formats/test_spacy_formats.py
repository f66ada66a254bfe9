"""spaCy: DocBin files, and training data as JSON."""

import json
import sys
import zlib
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents
from rnner.data.formats.spacy_docs import save
from rnner.errors import DataError
from rnner.text.tokenizer import Token


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A DocBin of two documents, as spaCy writes it."""
    nlp = spacy.blank("en")
    first, second = nlp("Ada  Lovelace didn't\n\nwrite to Oslo."), nlp("Rain. Snow.")
    first.ents = [Span(first, 0, 3, "PERSON"), Span(first, 8, 9, "GPE")]
    second.spans["sc"] = [Span(second, 0, 1, "WEATHER")]
    path = tmp_path / "train.spacy"
    DocBin(docs=[first, second]).to_disk(path)
    return path


def test_a_doc_bin_gives_texts_entities_and_tokens(docs: Path) -> None:
    source = SourceFile(docs)
    assert detect_format(docs) == "spacy"
    first, second = read_documents(source, "spacy")
    assert first.text == "Ada  Lovelace didn't\n\nwrite to Oslo."
    assert [first.text[span.start : span.end] for span in first.spans] == ["Ada  Lovelace", "Oslo"]
    assert [[token.text for token in row] for row in first.sentences or []] == [
        ["Ada", "Lovelace", "did", "n't"],
        ["write", "to", "Oslo", "."],
    ]
    assert second.spans == [] and len(second.sentences or []) == 2
    assert source.note_lines() == [
        "documents whose entities are not set, read as texts without entities: 1",
        "spans in doc.spans not read: 1",
    ]


def test_spacy_reads_what_is_written(tmp_path: Path) -> None:
    text = "New\nYork, Oslo"
    document = AnnotatedText(text, [CharSpan(0, 8, "LOC"), CharSpan(10, 14, "LOC")], 1)
    save([document], tmp_path / "a.spacy", SourceFile(tmp_path))
    (doc,) = DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("en").vocab)
    assert doc.text == text and [ent.text for ent in doc.ents] == ["New\nYork", "Oslo"]


def test_sentences_and_texts_without_words_are_kept(tmp_path: Path) -> None:
    one = [[Token("Rain", 0, 4), Token(".", 4, 5), Token("Snow", 6, 10)]]
    two = [[Token("a", 0, 1)], [Token("b", 2, 3)]]
    documents = [
        AnnotatedText("Rain. Snow", [], 1, one),
        AnnotatedText("a b", [], 2, two),
        AnnotatedText(" ", [], 3),
    ]
    save([*documents, AnnotatedText("", [], 4)], tmp_path / "a.spacy", SourceFile(tmp_path))
    found = read_documents(SourceFile(tmp_path / "a.spacy"), "spacy")
    assert [it.text for it in found] == ["Rain. Snow", "a b", " ", ""]
    assert [it.sentences for it in found] == [one, two, [], []]


def test_entities_that_overlap_cannot_be_written(tmp_path: Path) -> None:
    documents = [AnnotatedText("Ada Li", [CharSpan(0, 3, "A"), CharSpan(0, 6, "B")], 7)]
    with pytest.raises(DataError, match=r"7: a \.spacy file cannot hold entities that overlap: 0-3 A and"):
        save(documents, tmp_path / "a.spacy", SourceFile(tmp_path))


def test_a_damaged_file_is_reported_as_damaged(docs: Path) -> None:
    docs.write_bytes(docs.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"not a complete \.spacy file"):
        read_documents(SourceFile(docs), detect_format(docs))


def test_without_spacy_the_command_that_installs_it_is_named(docs: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(DataError, match=r'pip install "rnner\[spacy\]"'):
        read_documents(SourceFile(docs), "spacy")


# --- JSON --------------------------------------------------------------------------------------------------

PAIR = ["Ada wrote.", {"entities": [[0, 3, "PER"]]}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([PAIR, PAIR]),
        json.dumps([PAIR, PAIR], indent=1),
        f"{json.dumps(PAIR)}\n{json.dumps(PAIR)}\n",
        json.dumps({"classes": ["PER"], "annotations": [PAIR, None, PAIR]}),
    ],
    ids=["list", "indented", "lines", "classes and annotations"],
)
def test_pairs_of_a_text_and_its_entities(documents, text: str) -> None:
    assert [(it.text, it.spans) for it in documents(text)] == [("Ada wrote.", [CharSpan(0, 3, "PER")])] * 2


def test_a_record_of_another_kind_is_refused(written) -> None:
    with pytest.raises(
        DataError, match=r':2: the record has no "paragraphs" or "annotations"; its keys are "te'
    ):
        read_documents(written(f'{json.dumps(PAIR)}\n{{"text": "Rain."}}\n'), "spacy-json")


def test_texts_that_nobody_annotated_are_counted(written) -> None:
    source = written(json.dumps({"classes": ["PER"], "annotations": [None, PAIR, None]}))
    assert len(read_documents(source, "spacy-json")) == 1
    assert source.notes["annotations that are null skipped"] == 2


TOKENS = [("Ada", "B-PER"), ("Lovelace", "L-PER"), ("did", "O"), ("n't", "-")]


@pytest.mark.parametrize("raw", ["Ada  Lovelace didn't\nOslo", None])
def test_documents_of_spacy_2(written, raw: str | None) -> None:
    sentences = [
        {"tokens": [{"id": i, "orth": word, "ner": tag} for i, (word, tag) in enumerate(TOKENS)]},
        {"tokens": [{"id": 4, "orth": "Oslo", "ner": "U-LOC"}], "brackets": []},
    ]
    paragraph = {"sentences": sentences} if raw is None else {"raw": raw, "sentences": sentences}
    source = written(json.dumps([{"id": 0, "paragraphs": [paragraph]}], indent=2))
    assert detect_format(source.path) == "spacy-json"
    (document,) = read_documents(source, "spacy-json")
    assert document.text == (raw or "Ada Lovelace did n't Oslo")
    assert [document.text[start:end].split() for start, end, _ in document.spans] == [
        ["Ada", "Lovelace"],
        ["Oslo"],
    ]
    assert [len(row) for row in document.sentences or []] == [4, 1]
    assert source.note_lines() == ['tokens without an entity tag ("-"), read as O: 1']


def paragraph(token: dict, **others: object) -> str:
    return json.dumps([{"paragraphs": [{"sentences": [{"tokens": [token]}], **others}]}])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('TRAIN_DATA = [\n  ("Ada", {"entities": [(0, 3, "PER")]}),\n]', " this is Python code; save the"),
        ("# data\n[('Ada', {'entities': [(0, 3, 'PER')]})]", " this is Python code"),
        (f'[{json.dumps(PAIR)},\n["Bo", {{"entities": [[0, 9, "PER"]]}}]]', "2: the span 0-9 PER"),
        ('[["Ada", "B-PER"], ["wrote", "O"]]', "1: expected a text and its entities"),
        (paragraph({"orth": "Ada"}, raw="Bo"), "1: the tokens do not match the raw text"),
        (paragraph({"orth": "Ada", "ner": "X"}), "1: 'X' is not"),
        (paragraph({"orth": None, "ner": "O"}), '1: "orth" is not a string: null'),
    ],
)
def test_unreadable_training_data(refusal, text: str, message: str) -> None:
    assert refusal(text).lstrip(":").startswith(message)


def test_texts_without_entities_are_noted(written) -> None:
    source = written('[["Ada wrote.", {"cats": {"LETTER": 1}}]]')
    assert read_documents(source, detect_format(source.path))[0].spans == []
    assert source.note_lines() == ['texts without the key "entities", read as texts without entities: 1']


def test_a_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNER_MAX_RECORD_MB", "1")
    path = tmp_path / "bomb.spacy"
    path.write_bytes(zlib.compress(bytes(17 << 20)))
    with pytest.raises(DataError, match="the file unpacks to more than 16 MB; split it into several files"):
        read_documents(SourceFile(path), "spacy")
    path.write_bytes(zlib.compress(b"x" * 100)[:-9])
    with pytest.raises(DataError, match=r"not a complete \.spacy file"):
        read_documents(SourceFile(path), "spacy")
