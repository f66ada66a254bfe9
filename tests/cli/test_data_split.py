"""`rnner data split`: split a file into train, dev and test without losing a line."""

import json
from collections import Counter

import pytest

from rnner.data.corpus import read_split, resolve


@pytest.fixture
def whole(folder):
    """Copy the sample corpus to whole.conll and return its lines."""
    text = resolve("sample:train").read_text(encoding="utf-8")
    (folder / "whole.conll").write_text(text, encoding="utf-8")
    return text.splitlines()


@pytest.fixture
def split(rnner):
    """Run `rnner data split FILE --output FOLDER` with more options."""
    return lambda file, folder, *options: rnner("data", "split", file, "--output", folder, *options)


def lines(folder, names=("train", "dev", "test")):
    texts = [(folder / f"{name}.conll").read_text(encoding="utf-8") for name in names]
    return [line for text in texts for line in text.splitlines()]


def test_the_parts_have_all_lines(split, folder, whole):
    outcome = split("whole.conll", "out")
    assert outcome.code == 0, outcome.err
    assert "seed 0; wrote out/train.conll (" in outcome.err
    assert outcome.out.split()[:3] == ["train.conll", "dev.conll", "test.conll"]
    assert Counter(lines(folder / "out")) == Counter(whole)
    assert {path.stem for path in (folder / "out").iterdir()} == {"train", "dev", "test"}


def test_the_statistics_are_those_of_the_files(rnner, split, folder, whole):
    statistics = json.loads(split("whole.conll", "out", "--format", "json").out)["files"]
    paths = [file["path"] for file in statistics]
    assert paths == ["out/train.conll", "out/dev.conll", "out/test.conll"]
    again = json.loads(rnner("data", "stats", *paths, "--format", "json").out)["files"]
    assert again == statistics


def test_documents_stay_whole_by_default(split, folder, whole):
    split("whole.conll", "out", "--seed", "3")
    marks = [line for line in whole if line.startswith(("-DOCSTART-", "# newdoc"))]
    assert len(marks) > 3
    assert len([line for line in lines(folder / "out") if line in marks]) == len(marks)


def test_splitting_sentences_keeps_document_marks(split, folder, whole):
    outcome = split("whole.conll", "out", "--by", "sentence")
    assert "different sentences" in outcome.err
    marked = read_split(folder / "whole.conll").documents.max() + 1
    assert read_split(folder / "out" / "train.conll").documents.max() + 1 > 0.9 * marked


def test_a_share_of_0_leaves_a_part_out(split, folder, whole):
    outcome = split("whole.conll", "out", "--shares", "50,0,50", "--by", "sentence")
    assert outcome.code == 0, outcome.err
    sizes = [len(read_split(folder / "out" / f"{name}.conll")) for name in ("train", "test")]
    assert sizes[0] == pytest.approx(sizes[1], abs=2)
    assert not (folder / "out" / "dev.conll").exists()


def test_files_are_replaced_only_with_overwrite(split, folder, whole, one_line):
    (folder / "out").mkdir()
    (folder / "out" / "dev.conll").write_text("mine")
    refused = split("whole.conll", "out")
    one_line(refused, 2, "out/dev.conll already exists; use --overwrite", "choose another --output")
    assert lines(folder / "out", ["dev"]) == ["mine"]
    assert not (folder / "out" / "train.conll").exists()
    assert split("whole.conll", "out", "--overwrite").code == 0
    assert "mine" not in lines(folder / "out", ["dev"])


def test_an_old_part_is_not_left_beside_a_new_split(split, folder, whole, one_line):
    split("whole.conll", "out")
    again = split("whole.conll", "out", "--shares", "90,10,0", "--overwrite")
    one_line(again, 2, "out/test.conll already exists, and is not part of this split; remove it")


def test_the_corpus_itself_is_never_replaced(split, folder, one_line):
    before = (folder / "train.conll").read_text()
    one_line(split("train.conll", ".", "--overwrite"), 2, "train.conll: is the corpus itself")
    assert (folder / "train.conll").read_text() == before


@pytest.mark.parametrize(
    "shares", ["80,20", "80,10,5", "a,b,c", "0,50,50", "100,0,0", "120,-10,-10", "nan,50,50"]
)
def test_invalid_shares(split, folder, one_line, shares):
    one_line(
        split("train.conll", "out", "--shares", shares),
        2,
        f"--shares {shares}: ",
        "80,10,10",
    )
    assert not (folder / "out").exists()


def test_bad_calls(split, folder, one_line):
    one_line(split("trian.conll", "out"), 1, "did you mean train.conll?")
    one_line(split("train.conll", "dev.conll"), 2, "dev.conll: is a file")
    one_line(split("train.conll", "out", "--by", "document"), 1, "1 document cannot be split")
    (folder / "bad.conll").write_text("Ada B-PER\nslept O O\n. O\n")
    one_line(split("bad.conll", "out"), 1, "bad.conll:2: ")
    assert not (folder / "out").exists()


def test_other_formats_must_be_converted_first(split, folder, one_line):
    (folder / "tagged.jsonl").write_text('{"tokens": ["Ada", "slept"], "tags": ["B-PER", "O"]}\n')
    refused = split("tagged.jsonl", "out")
    one_line(
        refused,
        2,
        "tagged.jsonl: has the format tokens",
        "rnner data convert tagged.jsonl --output NEW.conll",
    )


@pytest.mark.parametrize(("mark", "newline"), [("\ufeff", "\r\n"), ("", "\r\n"), ("\ufeff", "\n")])
def test_line_ends_and_byte_order_mark_are_kept(split, folder, whole, mark, newline):
    text = mark + newline.join([*whole, ""])
    (folder / "whole.conll").write_text(text, encoding="utf-8", newline="")
    assert split("whole.conll", "out").code == 0
    parts = [(folder / "out" / f"{name}.conll").read_bytes().decode() for name in ("train", "dev", "test")]
    assert all(part.startswith(mark) for part in parts)
    rest = [line for part in parts for line in part.removeprefix(mark).split(newline)[:-1]]
    assert Counter(rest) == Counter(whole)


def test_mixed_line_ends_are_reported(split, folder):
    text = (folder / "train.conll").read_text()
    (folder / "mixed.conll").write_text(text.replace("\n", "\r\n", 9), newline="")
    outcome = split("mixed.conll", "out")
    assert outcome.code == 0
    assert "mixed.conll: mixes CRLF and LF line endings" in outcome.err and "use LF only" in outcome.err
    assert all(b"\r" not in path.read_bytes() for path in (folder / "out").iterdir())


def test_missing_types_are_reported(split, folder):
    rows = [f"x{i} B-{'FAC' if i == 0 else 'PER'}\nslept O\n" for i in range(30)]
    (folder / "few.conll").write_text("\n".join(rows))
    outcome = split("few.conll", "out")
    assert outcome.code == 0
    assert "warning: dev has no entity labelled FAC" in outcome.err
    assert "warning: test has no entity labelled FAC" in outcome.err
