"""Output folders: which are accepted, and which files are removed."""

import shutil

import pytest

from rnner.config import parse_config
from rnner.errors import DataError, UsageError
from rnner.model.folder import load_metrics, load_model
from rnner.training.output_folder import check_output, check_same_config, clear_output
from rnner.training.run import run_training
from rnner.training.setup import prepare_training
from run_helpers import CPU, FILES, content, run, stopped_after


def test_a_new_or_empty_folder_is_accepted(tmp_path):
    check_output(tmp_path / "new", resume=False, overwrite=False)
    check_output(tmp_path, resume=False, overwrite=False)
    check_output(tmp_path, resume=True, overwrite=False)
    check_output(tmp_path, resume=False, overwrite=True)


def test_a_run_is_resumed_or_replaced_only_on_request(finished_run):
    _, folder = finished_run
    before = content(folder)
    with pytest.raises(UsageError, match=r"contains a run; .*--resume .* --overwrite"):
        check_output(folder, resume=False, overwrite=False)
    with pytest.raises(UsageError, match="cannot be combined"):
        check_output(folder, resume=True, overwrite=True)
    check_output(folder, resume=True, overwrite=False)
    check_output(folder, resume=False, overwrite=True)
    assert content(folder) == before, "checking alone removes nothing"


@pytest.mark.parametrize(
    "names",
    [
        ["thesis.tex"],
        ["config.yaml"],
        ["README.md"],
        ["config.yaml", "README.md", "src"],
        ["model.safetensors"],
    ],
)
@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True)])
def test_a_folder_with_other_files_is_refused(tmp_path, names, flags):
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="contains files that are not from a run"):
        check_output(tmp_path, resume=flags[0], overwrite=flags[1])
    assert content(tmp_path) == dict.fromkeys(names, b"mine")


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="is a file; --output takes a folder"):
        check_output(tmp_path / "out", resume=False, overwrite=True)


def test_replacing_a_run_keeps_other_files(tmp_path, config):
    run(tmp_path / "run", config)
    (tmp_path / "run" / "predictions.txt").write_text("mine")
    (tmp_path / "run" / ".rnner-4f3k.partial").mkdir()  # as a killed run leaves it
    stopped_after(tmp_path / "run", config, 1)
    there = {path.name for path in (tmp_path / "run").iterdir()}
    assert there == {"predictions.txt", "config.yaml", "vocabulary.json", "checkpoint"}
    clear_output(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"predictions.txt"}


def test_a_failed_preparation_keeps_the_old_run(tmp_path, finished_run):
    config, folder = finished_run
    mine = tmp_path / "run"
    shutil.copytree(folder, mine)
    before = content(mine)
    check_output(mine, resume=False, overwrite=True)
    with pytest.raises(DataError):
        prepare_training(parse_config(config.model_dump(), ["data.train=gone.conll"]), device=CPU)
    assert content(mine) == before


def test_a_run_can_replace_the_model_it_continues_from(tmp_path, config):
    run(tmp_path / "run", config)
    setup = prepare_training(config, device=CPU, init_from=load_model(tmp_path / "run"))
    list(run_training(setup, tmp_path / "run"))
    assert load_metrics(tmp_path / "run")["train"]["epochs"] == 3


@pytest.mark.parametrize("survivors", range(len(FILES) + 1))
def test_a_folder_cleared_only_in_part_is_still_accepted(tmp_path, finished_run, survivors, monkeypatch):
    _, folder = finished_run
    mine = tmp_path / "run"
    shutil.copytree(folder, mine)
    unlink, left = type(mine).unlink, [survivors]

    def limited(path, missing_ok=False):
        if path.exists():
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(type(mine), "unlink", limited)
    if survivors < len(FILES):
        with pytest.raises(KeyboardInterrupt):
            clear_output(mine)
    else:
        clear_output(mine)
    check_output(mine, resume=False, overwrite=True)
    assert survivors == 0 or load_metrics(mine) is None


def test_a_run_is_resumed_only_with_its_own_config(tmp_path, config):
    other = parse_config(config.model_dump(), ["training.learning_rate=0.5", "encoder.hidden=9"])
    check_same_config(tmp_path / "new", other)
    stopped_after(tmp_path / "run", config, 2)
    check_same_config(tmp_path / "run", config)
    with pytest.raises(UsageError, match=r"encoder\.hidden: 8 / 9; training\.learning_rate: 0\.01 / 0\.5"):
        check_same_config(tmp_path / "run", other)
    before = content(tmp_path / "run")
    with pytest.raises(UsageError, match="has another config"):
        run(tmp_path / "run", other, resume=True)
    assert content(tmp_path / "run") == before


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        check_output(tmp_path / "below" / "run", resume=False, overwrite=False)
