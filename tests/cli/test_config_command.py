"""`rnner config`: write a config for a file, show a config in full, describe its keys."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from rnner.cli.main import run
from rnner.config import load_config

OWLS = """\
Hedwig B-PER
flew O
to O
New B-LOC
Forest I-LOC
. O

Errol B-PER
stayed O
in O
Diagon B-LOC
Alley I-LOC
. O
"""
NOTES = "Harry\t1\nPotter\t1\nsleeps\t0\n\nShe\t0\nsleeps\t0\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with two corpora in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owls.conll").write_text(OWLS)
    (tmp_path / "notes.tsv").write_text(NOTES)
    return tmp_path


@pytest.fixture
def rnner(capsys):
    """Run a command that must exit with `code`; return its stdout and stderr."""

    def call(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert run(["config", *arguments]) == code
        return capsys.readouterr()

    return call


def comments(text: str) -> str:
    """Return the header of a config as one line of text."""
    header = text.split("\n\n")[0]
    return " ".join(line.lstrip("# ") for line in header.splitlines())


# --- init --------------------------------------------------------------------------------------------------


def test_init_writes_a_config_that_loads_and_names_the_files(rnner, folder):
    out, err = rnner("init", "owls.conll", "--dev", "owls.conll", "--test", "notes.tsv")
    (folder / "my.yaml").write_text(out)
    data = load_config("my.yaml").data
    assert (data.train, data.dev, data.test) == ("owls.conll", "owls.conll", "notes.tsv")
    assert err == ""


def test_init_describes_the_files(rnner):
    out, _ = rnner("init", "owls.conll", "--test", "notes.tsv")
    header = comments(out)
    assert "train: owls.conll 2 sentences, 12 tokens entities: 4 (" in header
    assert "(PER 2, LOC 2)" in header
    assert "2 columns separated by spaces: words in column 0, tags in column 1, counted from 0" in header
    assert "test: notes.tsv 2 sentences, 5 tokens entities: 1 (NAME 1)" in header
    assert "tags: binary; 2 columns separated by tabs" in header
    assert "dev: none; a tenth of train is held out" in header


def test_init_mentions_held_out_data_only_without_dev(rnner):
    assert "held out" not in rnner("init", "owls.conll", "--dev", "owls.conll")[0].partition("data:")[0]


def test_init_writes_to_the_output_and_gives_the_next_command(rnner, folder):
    out, err = rnner("init", "owls.conll", "--output", "my configs/owls.yaml")
    command = "rnner train --config 'my configs/owls.yaml' --output runs/owls"
    assert out == ""
    assert command in err
    text = (folder / "my configs" / "owls.yaml").read_text()
    assert f"#     {command}\n" in text
    assert load_config("my configs/owls.yaml").data.train == "owls.conll"


def test_init_comments_every_key(rnner):
    out, _ = rnner("init", "owls.conll")
    keys = [line for line in out.splitlines() if re.match(r" *\w+: \S", line)]
    assert len(keys) > 40
    assert all("  # " in line for line in keys)


def test_init_gives_a_small_corpus_more_epochs_and_the_reason(rnner, folder):
    out, _ = rnner("init", "owls.conll")
    training = yaml.safe_load(out)["training"]
    assert (training["epochs"], training["patience"]) == (100, 25)
    assert "because a small corpus has few steps per epoch" in comments(out)

    (folder / "many.conll").write_text((OWLS + "\n") * 600)  # 1,200 sentences
    training = yaml.safe_load(rnner("init", "many.conll")[0])["training"]
    assert (training["epochs"], training["patience"]) == (60, 20)

    (folder / "large.conll").write_text((OWLS + "\n") * 2500)  # 5,000 sentences
    out, _ = rnner("init", "large.conll")
    training = yaml.safe_load(out)["training"]
    assert (training["epochs"], training["patience"]) == (30, None)
    assert "because a small corpus" not in comments(out)


def test_init_recommends_settings_unless_they_are_overridden(rnner):
    out, _ = rnner("init", "owls.conll")
    config = yaml.safe_load(out)
    assert (config["embeddings"]["document"], config["agreement"]) == (True, 0.5)
    assert "agreement: uses all occurrences of a name in its document" in comments(out)
    out, _ = rnner("init", "owls.conll", "--set", "agreement=null")
    assert yaml.safe_load(out)["agreement"] is None
    assert "agreement: labels" not in comments(out)


def test_init_detects_binary_labels(rnner):
    out, _ = rnner("init", "notes.tsv")
    assert yaml.safe_load(out)["data"]["scheme"] == "binary"
    assert "the labels are 1 (name) and 0" in comments(out)


def test_overrides_win_over_recommended_settings(rnner):
    out, _ = rnner(
        *("init", "notes.tsv", "--set", "training.epochs=7", "--set", "data.scheme=iob2"),
        *("--set", "head=softmax"),
    )
    config = yaml.safe_load(out)
    assert config["training"]["epochs"] == 7
    assert config["data"]["scheme"] == "iob2"
    assert config["head"] == "softmax"
    assert "because a small corpus" not in comments(out)
    assert "the labels are 1 (name) and 0" not in comments(out)


def test_init_reads_the_given_columns(rnner, folder):
    (folder / "five.tsv").write_text("1\tHedwig\tB-PER\t-\tO\n2\tflew\tO\t-\tO\n")
    out, _ = rnner("init", "five.tsv", "--set", "data.columns={token: 1, tag: 2}")
    assert "words in column 1, tags in column 2" in comments(out)
    assert yaml.safe_load(out)["data"]["columns"] == {"token": 1, "tag": 2}


def test_init_reports_illegal_tags_or_reads_them_if_allowed(rnner, folder):
    (folder / "odd.conll").write_text("Hedwig B-PER\nflew O\nto O\nYork E-LOC\n. O\n")
    out, err = rnner("init", "odd.conll", code=1)
    assert out == ""
    assert "error: odd.conll:4: " in err
    assert "data.illegal_tags: conlleval" in err
    out, _ = rnner("init", "odd.conll", "--set", "data.illegal_tags=conlleval")
    assert "illegal tags: 1, first in line 4" in comments(out)
    assert yaml.safe_load(out)["data"]["illegal_tags"] == "conlleval"


def test_init_describes_how_unusual_files_are_read(rnner, folder):
    words = ["Ada", "met", "Bo", "Cy", "saw", "Di", "in", "Oslo", "and", "Rome"]
    rows = [f"en:{word} B-PER {'B-LOC' if word == 'met' else 'O'}" for word in words]
    (folder / "train.conll").write_text("\n".join(rows))
    config = rnner("init", "train.conll").out
    assert (
        "#   note: columns 1 (10 entities) and 2 (1 entity) hold tags; column 1 (counted from 0) is read"
        in config
    )
    assert "have a prefix with a colon: 'en:Ada' instead of 'Ada'" in config


def test_init_names_words_that_need_a_segmenter(rnner, folder):
    words = ["我们", "今天", "火车", "看望", "老师", "学生", "昨天", "公园", "散步"]
    rows = ["北京 B-LOC", *(f"{word} O" for word in words)]
    (folder / "train.conll").write_text("\n".join(rows), encoding="utf-8")
    note = "multi-character words in a script without spaces"
    assert note in rnner("init", "train.conll").out
    assert note not in rnner("init", "train.conll", "--set", "text.tokenizer=mine").out


def test_init_accepts_the_sample_corpus(rnner):
    out, _ = rnner("init", "sample:train", "--dev", "sample:dev")
    assert yaml.safe_load(out)["data"]["train"] == "sample:train"
    assert "train: sample:train" in comments(out)
    assert "LOC" in comments(out)


def test_init_checks_that_vectors_exist(rnner, folder):
    _, err = rnner("init", "owls.conll", "--vectors", "glove.txt", code=1)
    assert "glove.txt: file not found" in err
    (folder / "glove.txt").write_text("owl 0.1 0.2\n")
    out, _ = rnner("init", "owls.conll", "--vectors", "glove.txt")
    assert yaml.safe_load(out)["embeddings"]["words"]["vectors"] == "glove.txt"


def test_init_writes_nothing_if_a_file_is_missing(rnner, folder):
    for files in (["owl.conll"], ["owls.conll", "--dev", "owl.conll"], ["owls.conll", "--test", "owl.conll"]):
        out, err = rnner("init", *files, "--output", "my.yaml", code=1)
        assert out == ""
        assert re.match(r"error: owl\.conll: file not found; did you mean owls\.conll\?", err)
    assert not (folder / "my.yaml").exists()


def test_init_overwrites_only_with_the_option(rnner, folder):
    (folder / "my.yaml").write_text("mine")
    _, err = rnner("init", "owls.conll", "--output", "my.yaml", code=2)
    expected = "error: my.yaml already exists; use --overwrite to replace it, or choose another --output\n"
    assert err == expected
    assert (folder / "my.yaml").read_text() == "mine"
    rnner("init", "owls.conll", "--output", "my.yaml", "--overwrite")
    assert load_config("my.yaml").data.train == "owls.conll"


def test_init_reports_an_output_that_cannot_be_written(rnner, folder):
    _, err = rnner("init", "owls.conll", "--output", ".", "--overwrite", code=2)
    assert "is a folder; --output takes a file" in err
    _, err = rnner("init", "owls.conll", "--output", "owls.conll/my.yaml", code=2)
    assert "owls.conll/my.yaml: cannot be written" in err


def test_init_quotes_unusual_file_names(rnner, folder):
    name = "it's #1: owls\nand more.conll"
    (folder / name).write_text(OWLS)
    rnner("init", name, "--output", "my.yaml")
    assert load_config("my.yaml").data.train == name


# --- show --------------------------------------------------------------------------------------------------


def test_show_fills_in_defaults_and_takes_overrides(rnner, folder):
    (folder / "my.yaml").write_text("data: {train: owls.conll}\nembeddings: {characters: recurrent}\n")
    out, err = rnner(
        "show", "--config", "my.yaml", "--set", "training.epochs=5", "--set", "training.clip=null"
    )
    config = yaml.safe_load(out)
    assert (config["training"]["epochs"], config["training"]["clip"]) == (5, None)
    assert config["embeddings"]["characters"]["encoder"] == "recurrent"
    assert config["encoder"]["hidden"] == 200
    assert err == ""
    (folder / "full.yaml").write_text(out)
    overrides = ["training.epochs=5", "training.clip=null"]
    assert load_config("full.yaml") == load_config("my.yaml", overrides)


def test_show_prints_the_same_config_as_json(rnner, folder):
    (folder / "my.yaml").write_text("data: {train: Zürich.conll}")
    (as_json, _), (as_yaml, _) = (
        rnner("show", "--config", "my.yaml", "--format", form) for form in ("json", "yaml")
    )
    assert json.loads(as_json) == yaml.safe_load(as_yaml)
    assert "Zürich" in as_json


def test_show_reports_every_problem_and_exits_with_2(rnner, folder):
    (folder / "my.yaml").write_text("data: {trian: a}\ntraining: {lerning_rate: 1}")
    out, err = rnner("show", "--config", "my.yaml", code=2)
    assert out == ""
    assert "error: my.yaml: 3 problems in the config" in err
    assert "training.lerning_rate: unknown key (did you mean learning_rate?)" in err
    _, err = rnner("show", "--config", "your.yaml", code=2)
    assert "your.yaml: config file not found; `rnner config init" in err


# --- schema ------------------------------------------------------------------------------------------------


def test_schema_describes_each_section(rnner):
    out, _ = rnner("schema")
    described = json.loads(out)
    assert described["$schema"].startswith("https://json-schema.org/")
    assert list(described["properties"]) == [
        "data",
        "text",
        "embeddings",
        "encoder",
        "dropout",
        "head",
        "threshold",
        "agreement",
        "training",
    ]


# --- imports -----------------------------------------------------------------------------------------------


def test_show_needs_neither_torch_nor_datasets(folder):
    (folder / "my.yaml").write_text("data: {train: owls.conll}")
    code = (
        "import sys; from rnner.cli.main import run;"
        "assert run(['config', 'show', '--config', 'my.yaml']) == 0;"
        "sys.exit(bool({'torch', 'datasets', 'pyarrow'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, env=dict(os.environ)
    )
    assert ended.returncode == 0, ended.stderr.decode()


def test_init_sets_the_size_of_the_vectors(rnner, tmp_path) -> None:
    (tmp_path / "owls.vec").write_text("hedwig 1 2 3\nowl 4 5 6\n")
    out, _ = rnner("init", "owls.conll", "--vectors", "owls.vec")
    assert "size: 3 " in out


# --- list --------------------------------------------------------------------------------------------------


def test_list_shows_the_bundled_configs_in_80_columns(rnner):
    out, _ = rnner("list")
    assert "quickstart       A tagger in half a minute, trained on the bundled sample.\n" in out
    assert max(map(len, out.splitlines())) <= 80
