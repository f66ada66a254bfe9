"""Labels in every format: printable, in one line, with at most single spaces between words."""

from pathlib import Path

import pytest

from rnner.data.corpus import read_split
from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile, TaggedSentence
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import FORMATS, TEXT_FORMATS, read_documents
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError
from rnner.tags import LABEL_RULE
from rnner.workbench.convert import convert

WRITABLE = [name for name, form in FORMATS.items() if form.writable]
WITHOUT_SPACES = {"conllu", "conll2012", "inline", "brat"}  # formats that cannot hold a label with spaces
FORGED = "\x85\u202eB-ORG"  # in a label: a line separator, and a control of the direction


def written(folder: Path, form: str, label: str) -> SourceFile:
    """A file in a format, with one entity."""
    source = SourceFile(folder / ("corpus.spacy" if form == "spacy" else "corpus"))
    if form == "webanno":
        words = written(folder, "tokens", label)
        convert(words, folder / "corpus.tsv", form="tokens", to=form)
        return SourceFile(folder / "corpus.tsv")
    items = [AnnotatedText("Ada wrote.", [CharSpan(0, 3, label)], 1)]
    if form not in TEXT_FORMATS:
        tags = [f"B-{label}", "O"]
        items = [TaggedSentence(["Ada", "wrote."], tags, [1, 2], NO_DOCUMENT)]
    if save := FORMATS[form].save:
        save(items, source.path, source)
    else:
        with source.path.open("w", encoding="utf-8", newline="\n") as file:
            FORMATS[form].write(items, file, source)
    return source


@pytest.mark.parametrize("form", [name for name in WRITABLE if name not in ("spacy", "webanno")])
def test_a_label_with_controls_is_refused_with_its_line(tmp_path, form):
    source = written(tmp_path, form, "LABEL")
    files = [path for path in [source.path, *source.path.rglob("*")] if path.is_file()]
    for path in files:
        path.write_text(path.read_text(encoding="utf-8").replace("LABEL", f"X{FORGED}"), encoding="utf-8")
    own_rule = form in ("conll2012", "brat")  # which have narrower ones
    readers = [lambda: read_documents(source, form)]
    if form != "conll2012":  # which is detected by its brackets
        readers.append(lambda: read_split(source.path))
    for read in readers:
        with pytest.raises(DataError, match=r"corpus\S*:\d+: .*X\\x85\\u202eB-ORG") as caught:
            read()
        assert own_rule or LABEL_RULE in str(caught.value)


@pytest.mark.parametrize("form", ["spacy", "webanno"])
def test_binary_files_and_annotation_tables_are_checked_too(tmp_path, form):
    source = written(tmp_path, "jsonl", "X")
    source.path.write_text('{"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "X\\tY"}]}\n')
    with pytest.raises(DataError, match=rf"1: the label 'X\\tY' is not valid: {LABEL_RULE}; rename it"):
        convert(source, tmp_path / "out", form="jsonl", to=form)


@pytest.mark.parametrize("form", [name for name in WRITABLE if name not in WITHOUT_SPACES])
def test_a_label_of_several_words_survives(tmp_path, form):
    source = written(tmp_path, form, "Work of Art")
    assert detect_format(source.path) == form
    assert [span.label for document in read_documents(source, form) for span in document.spans] == [
        "Work of Art"
    ]


@pytest.mark.parametrize(
    "label", ["PER\r", "PER ", " PER", "A  B", "A\u00a0B", "A\u3000B", "\u200f", "\u200d", ""]
)
def test_invisible_differences_between_labels_are_refused(tmp_path, label):
    source = SourceFile(tmp_path / "corpus.jsonl")
    record = '{"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "%s"}]}\n'
    source.path.write_text(record % label.replace("\r", "\\r"), encoding="utf-8")
    with pytest.raises(DataError, match=r"corpus\.jsonl:1: .*label"):
        read_documents(source, "jsonl")


@pytest.mark.parametrize(
    "label", ["Ämter", "人名", "e\u0301", "می\u200cخواهم", "👩\u200d👧", "creative-work"]
)
def test_labels_in_all_scripts_are_read(tmp_path, label):
    source = written(tmp_path, "conll", label)
    assert read_split(source.path).labels == [label]
