"""`rnner train FILE`: settings that suit the file, its folder, and what it replaces in a config."""

import os

import pytest

from rnner.config import load_config
from rnner.model.file_names import CONFIG, WEIGHTS

SMALL = ["encoder.hidden=4", "embeddings.characters=null", "training.epochs=1"]
SHORT = [*(part for setting in SMALL for part in ("--set", setting)), "--threads", "1"]


@pytest.fixture
def config_of(rnner, folder):
    """Train with these arguments for an epoch, and return the config in the model folder."""

    def call(*arguments, output="runs/train"):
        outcome = rnner("train", *arguments, *SHORT, "--quiet")
        assert outcome.code == 0, outcome.err
        return load_config(folder / output / CONFIG)

    return call


def test_the_settings_are_those_that_config_init_writes(rnner, folder, config_of):
    (folder / "words.txt").write_text("".join(f"{word} 0.1 0.2\n" for word in ("the", "in", "letter")))
    files = ["train.conll", "--dev", "dev.conll", "--test", "test.conll", "--vectors", "words.txt"]
    settings = ["--set", "embeddings.words.min_coverage=0"]
    trained = config_of(*files, *settings)
    assert rnner("config", "init", *files, *settings, "--output", "my.yaml").code == 0
    assert trained == load_config("my.yaml", SMALL)
    assert trained.embeddings.document and trained.training.patience == 25
    again = config_of("--config", "runs/train/config.yaml", "--output", "again", output="again")
    assert again == trained
    assert (folder / "again" / WEIGHTS).read_bytes() == (folder / "runs" / "train" / WEIGHTS).read_bytes()


def test_without_dev_a_tenth_is_held_out(rnner, folder):
    outcome = rnner("train", "train.conll", *SHORT)
    assert outcome.code == 0
    assert "settings: as `rnner config init train.conll` writes them\n" in outcome.err
    assert "no dev file: 1 of the 14 sentences of train.conll are held out" in outcome.err


@pytest.mark.parametrize(
    ("file", "output"),
    [
        ("data/news.v2.conll", "runs/news.v2"),
        ("data/../dev.conll", "runs/dev"),
        ("sample:dev", "runs/sample-dev"),
    ],
)
def test_the_folder_is_named_after_the_file(folder, config_of, file, output):
    (folder / "data").mkdir()
    (folder / "data" / "news.v2.conll").write_text((folder / "train.conll").read_text())
    assert config_of(file, output=output).data.train == file


def test_a_finished_run_and_a_run_of_seeds_resume(rnner, folder):
    command = ["train", "train.conll", *SHORT]
    assert rnner(*command).code == 0
    assert "runs/train: contains a run; use --resume" in rnner(*command).err
    assert "runs/train: this run is finished; nothing to do" in rnner(*command, "--resume").err
    seeds = [*command, "--seeds", "2", "--output", "several"]
    assert rnner(*seeds).code == 0
    assert "several: this run is finished; nothing to do" in rnner(*seeds, "--resume").err


def test_a_file_replaces_the_training_file_of_a_config(folder, config_of):
    (folder / "more.conll").write_text((folder / "train.conll").read_text())
    data = config_of("more.conll", "--config", "tiny.yaml", output="runs/more").data
    assert (data.train, data.dev, data.test) == ("more.conll", "dev.conll", "test.conll")
    data = config_of("--config", "tiny.yaml", "--dev", "test.conll", output="runs/tiny").data
    assert (data.train, data.dev, data.test) == ("train.conll", "test.conll", "test.conll")


def test_a_file_replaces_all_files_of_a_bundled_config(config_of):
    config = config_of("train.conll", "--config", "quickstart", "--test", "test.conll")
    assert (config.data.train, config.data.dev, config.data.test) == ("train.conll", None, "test.conll")
    assert config.training.batch_sentences == 8 and not config.embeddings.document


def test_a_run_from_a_model_keeps_its_network(rnner, folder, model):
    command = ["train", "train.conll", "--init-from", model, "--set", "training.epochs=1"]
    assert rnner(*command).code == 0
    config, base = load_config("runs/train/config.yaml"), load_config(model / CONFIG)
    assert config.encoder == base.encoder and not config.embeddings.document
    assert config.training.patience == 25


def test_settings_of_the_user_win(config_of):
    config = config_of("train.conll", "--set", "agreement=null", "--set", "data.dev=dev.conll")
    assert (config.agreement, config.data.dev) == (None, "dev.conll")


def test_nothing_to_train_on_shows_what_to_type(rnner, folder):
    outcome = rnner("train", "--dev", "dev.conll")
    assert (outcome.code, outcome.out) == (2, "")
    first, *commands = outcome.err.splitlines()
    assert first == "error: nothing to train on; give an annotated file or a config:"
    assert [line.split("   ")[0].strip() for line in commands] == [
        "rnner train my.conll",
        "rnner train --config quickstart",
        "rnner train --config my.yaml",
    ]
    assert all(len(line) < 80 for line in commands)


def test_a_config_in_place_of_a_file_is_refused(rnner, folder, one_line):
    one_line(rnner("train", "tiny.yaml"), 2, "is a config, not a corpus; use: rnner train --config tiny.yaml")
    one_line(rnner("train", "quickstart"), 2, "use: rnner train --config quickstart")
    one_line(rnner("train", "trian.conll", "--quiet"), 1, "file not found; did you mean train.conll?")
    assert not (folder / "runs").exists()


def test_a_pipe_is_refused(rnner, folder, one_line):
    os.mkfifo("pipe")
    one_line(rnner("train", "pipe"), 2, "pipe: is a pipe, but FILE is read several times; save it")
