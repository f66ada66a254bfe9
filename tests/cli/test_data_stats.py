"""`rnner data stats`: statistics of files as a table, as JSON and as a plot."""

import json

import pytest


@pytest.fixture
def stats(rnner, folder):
    """Return the statistics of files as JSON."""

    def call(*arguments):
        outcome = rnner("data", "stats", *arguments, "--format", "json")
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)["files"]

    return call


def test_a_table_with_one_column_per_file(rnner, folder):
    outcome = rnner("data", "stats", "train.conll", "dev.conll", "test.conll")
    assert (outcome.code, outcome.err) == (0, "")
    rows = [line.split() for line in outcome.out.splitlines()]
    assert rows[0] == ["train.conll", "dev.conll", "test.conll"]
    assert ["sentences", "14", "3", "2"] in rows
    assert ["ORG", "4", "17.4%", "1", "33.3%", "1", "33.3%"] in rows


def test_json(stats):
    train, dev = stats("train.conll", "dev.conll")
    assert train["path"] == "train.conll"
    assert (train["sentences"], train["tokens"], train["entities"]) == (14, 98, 23)
    assert train["per_type"] == {"LOC": 10, "PER": 9, "ORG": 4}
    assert train["unseen"] is train["vectors"] is None
    assert dev["unseen"]["entities"] == 0


def test_the_sample_corpus(stats):
    names = [file["path"].rpartition("/")[2] for file in stats("sample:train", "sample:dev", "sample:test")]
    assert names == ["train.conll", "dev.conll", "test.conll"]


def test_columns_can_be_given(stats, folder):
    (folder / "odd.conll").write_text("O B-PER Ada\nO I-PER Lovelace\nO O slept\n")
    assert stats("odd.conll", "--columns", "2,1")[0]["per_type"] == {"PER": 1}


def test_files_of_other_formats(stats, folder):
    (folder / "tagged.jsonl").write_text('{"tokens": ["Ada", "slept"], "tags": ["B-PER", "O"]}\n')
    _, other = stats("train.conll", "tagged.jsonl")
    assert (other["tokens"], other["per_type"]) == (2, {"PER": 1})
    assert other["unseen"]["entities"] == 1


def test_vectors(stats, folder):
    (folder / "vectors.txt").write_text("ada 1 2\nthe 3 4\n")
    (train,) = stats("train.conll", "--vectors", "vectors.txt")
    assert train["vectors"]["path"] == "vectors.txt"
    assert 0 < train["vectors"]["tokens"] < 1


def test_a_plot(rnner, folder):
    outcome = rnner("data", "stats", "train.conll", "dev.conll", "--plot", "new/picture.svg")
    assert (outcome.code, outcome.err) == (0, "wrote new/picture.svg\n")
    assert "sentences" in outcome.out
    assert "</svg>" in (folder / "new" / "picture.svg").read_text()


def test_a_plot_is_replaced_only_with_overwrite(rnner, folder, one_line):
    (folder / "picture.png").write_text("mine")
    command = ["data", "stats", "train.conll", "--plot", "picture.png"]
    one_line(rnner(*command), 2, "picture.png already exists; use --overwrite", "choose another --plot")
    assert (folder / "picture.png").read_text() == "mine"
    assert rnner(*command, "--overwrite").code == 0
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_bad_calls(rnner, folder, one_line, monkeypatch):
    one_line(rnner("data", "stats", "train.conll", "--plot", "a.gif"), 2, ".png, .svg, .pdf", "a.png")
    one_line(rnner("data", "stats", "trian.conll"), 1, "trian.conll: ", "did you mean train.conll?")
    one_line(rnner("data", "stats", "train.conll", "--vectors", "v.txt"), 1, "v.txt: ")
    one_line(rnner("data", "stats", "train.conll", "--columns", "x"), 2, "two whole numbers")
    one_line(rnner("data", "stats"), 2, "rnner data stats --help")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    one_line(rnner("data", "stats", "train.conll", "--plot", "a.png"), 2, "pip install matplotlib")
    assert not (folder / "a.png").exists()


def test_bad_data_is_reported_with_its_line(rnner, folder, one_line):
    (folder / "bad.conll").write_text("Ada B-PER\nslept O O\n. O\n")
    one_line(rnner("data", "stats", "train.conll", "bad.conll"), 1, "bad.conll:2: ")


def test_illegal_tags_are_reported_and_read_as_conlleval_does(rnner, folder):
    (folder / "odd.conll").write_text("Ada I-PER\nLovelace I-PER\nleft O\nOslo B-LOC\n")
    outcome = rnner("data", "stats", "odd.conll")
    assert outcome.code == 0
    assert outcome.err.startswith("warning: odd.conll:")
    assert ["entities", "2"] in [line.split() for line in outcome.out.splitlines()]
