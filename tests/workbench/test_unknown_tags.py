"""Unknown tags in `rnner data`: conversion, checks and statistics."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnner.data.corpus import read_split
from rnner.data.formats.annotated import SourceFile
from rnner.errors import DataError
from rnner.workbench.check.check import check
from rnner.workbench.check.lenient_reader import read_file
from rnner.workbench.check.repair import repair
from rnner.workbench.convert import convert
from rnner.workbench.statistics import describe

TEXT = "Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\nto\t?\nFiat\tB-?\n.\tO\n\nOslo\t?\nis\tO\n\n"


def write(path: Path, text: str = TEXT) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["conll", "csv", "tokens"])
def test_unknown_tags_survive_conversion(tmp_path: Path, form: str) -> None:
    source = SourceFile(write(tmp_path / "open.conll"))
    summary = convert(source, tmp_path / "out", form="conll", to=form)
    assert summary.sizes == {"document": 0, "sentence": 2, "word": 8}
    assert summary.entities == {"PER": 1, "?": 1}
    assert read_split(tmp_path / "out").sentences() == read_split(source.path).sentences()


def test_what_the_new_scheme_can_say_is_converted(tmp_path: Path) -> None:
    text = "Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\n\nOslo\t?\nis\tO\n\n"
    source = SourceFile(write(tmp_path / "open.conll", text))
    convert(source, tmp_path / "out", form="conll", to="conll", scheme="bioes")
    assert (tmp_path / "out").read_text() == text.replace("I-PER", "E-PER")


def test_what_it_cannot_say_is_refused_with_the_line(tmp_path: Path) -> None:
    source = SourceFile(write(tmp_path / "open.conll", "is\tO\nAda\tB-PER\nLovelace\t?\n\n"))
    with pytest.raises(DataError, match=r"open.conll:2: B-PER .* may be B-PER or S-PER in bioes") as caught:
        convert(source, tmp_path / "out", form="conll", to="conll", scheme="bioes")
    assert "use --scheme iob2" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["jsonl", "doccano", "inline", "dataset", "conllu"])
def test_formats_without_unknown_tags_refuse_them(tmp_path: Path, form: str) -> None:
    source = SourceFile(write(tmp_path / "open.conll"))
    with pytest.raises(DataError, match=r"open.conll:4: the tag of 'to' is unknown .* conll, csv, tokens"):
        convert(source, tmp_path / "out", form="conll", to=form)


def test_the_label_of_a_span_may_be_unknown(tmp_path: Path) -> None:
    path = write(
        tmp_path / "open.jsonl",
        '{"text": "Fiat grew.", "entities": [{"start": 0, "end": 4, "label": "?"}]}\n',
    )
    assert read_split(path).sentences()[1] == [["S-?", "O", "O"]]


def test_the_check_counts_unknown_words_and_judges_only_known_ones(tmp_path: Path) -> None:
    sentence = "Ada\tB-PER\nwent\tO\nto\tO\nOslo\t{}\nagain\tO\n\n"
    text = sentence.format("B-LOC") * 20 + sentence.format("?")
    report = check([read_file(write(tmp_path / "open.conll", text))])
    assert report.files[0].unknown_tokens == 1
    assert {finding.kind for finding in report.findings} == {"duplicate"}
    outside = check([read_file(write(tmp_path / "o.conll", text.replace("?", "O")))])
    assert {finding.kind for finding in outside.findings} == {"duplicate", "inconsistent", "retagged"}


def test_statistics_count_unknown_words(tmp_path: Path) -> None:
    (found,) = describe([read_split(write(tmp_path / "open.conll"))])
    assert (found.unknown_tokens, found.entities, found.per_type) == (3, 1, {"PER": 1})
    assert found.to_dict()["unknown_tokens"] == 3


def test_a_repair_leaves_sentences_with_unknown_tags_alone(tmp_path: Path) -> None:
    text = "Ada\tB-PER\nLovelace\tI-PER\n\n" * 9 + "Bo\tI-PER\nleft\t?\nit\tO\n\n"
    file = read_file(write(tmp_path / "open.conll", text))
    assert [finding.kind for finding in check([file]).findings] == ["transition"]
    ((repaired, _),) = repair([file], None)
    assert repaired.lines == file.lines


def test_another_mark_is_checked_and_converted(tmp_path: Path) -> None:
    path = write(tmp_path / "open.conll", TEXT.replace("?", "-"))
    assert check([read_file(path, unknown="-")]).files[0].unknown_tokens == 3
    convert(SourceFile(path, unknown="-"), tmp_path / "out", form="conll", to="conll")
    assert (tmp_path / "out").read_text() == TEXT
