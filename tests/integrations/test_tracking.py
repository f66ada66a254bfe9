"""Experiment trackers: the same points whether a run was interrupted or not, and no failure ends training."""

import json
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from fake_trackers import FakeMLflow, FakeWandb, install

from rnner.errors import UsageError
from rnner.integrations.tracking import TRACKERS, TrackedRun, Tracking, check_trackers
from rnner.model.folder import load_metrics
from rnner.training.output_folder import clear_output
from rnner.training.progress import Epoch
from rnner.training.run import InterruptedRun, run_training
from rnner.training.setup import prepare_training
from run_helpers import CPU, log_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def wandb(monkeypatch):
    fake = FakeWandb()
    install(monkeypatch, fake.module())
    return fake


@pytest.fixture
def mlflow(monkeypatch):
    fake = FakeMLflow()
    install(monkeypatch, *fake.modules())
    return fake


@pytest.fixture
def train(tmp_path, config):
    """Train in `tmp_path/run` with trackers, to the end or for some epochs; return the warnings."""

    def call(*names, epochs=99, **options):
        warnings, folder = [], tmp_path / "run"
        finished = len(log_of(folder)) if (folder / "log.jsonl").exists() and options.get("resume") else 0

        def stop():
            return seen >= epochs

        seen = finished
        run = TrackedRun.of(folder, config)
        with Tracking(names, run, warnings.append) as tracking, suppress(InterruptedRun):
            for event in run_training(prepare_training(config, device=CPU), folder, stop=stop, **options):
                tracking.update(event)
                seen += isinstance(event, Epoch)
            tracking.finish(load_metrics(folder))
        return warnings

    return call


def test_wandb_gets_the_config_each_epoch_and_the_final_scores(train, wandb, tmp_path):
    assert train("wandb") == []
    (run,) = wandb.runs.values()
    assert [step for step, _ in run.points] == [1, 2, 3]
    (_, last), line = run.points[-1], log_of(tmp_path / "run")[-1]
    assert last["dev/f1"] == line["dev"]["f1"]
    assert last["train/loss"] == line["loss"]
    assert run.config["encoder.hidden"] == 8
    assert "threshold" not in run.config  # it is null
    assert run.summary["best/dev_f1"] == load_metrics(tmp_path / "run")["dev"]["f1"]
    assert run.exit_code == 0
    assert run.settings["name"] == "run"


def test_wandb_sends_neither_console_output_nor_code(train, wandb):
    train("wandb")
    (run,) = wandb.runs.values()
    sent = {name: run.settings[name] for name in ("console", "disable_code", "disable_git")}
    assert sent == {"console": "off", "disable_code": True, "disable_git": True}


def test_a_resumed_run_continues_in_the_same_run_of_wandb_without_doubled_points(train, wandb):
    train("wandb", epochs=2)
    (run,) = wandb.runs.values()
    assert run.exit_code == 1
    train("wandb", resume=True)
    assert [step for step, _ in run.points] == [1, 2, 3]
    assert list(wandb.runs) == ["id0"]
    assert (run.settings["resume"], run.exit_code) == ("allow", 0)


def test_mlflow_gets_parameters_points_and_status(train, mlflow, tmp_path):
    train("mlflow", epochs=1)
    (run,) = mlflow.runs.values()
    assert run.status == "KILLED"
    train("mlflow", resume=True)
    assert list(mlflow.runs.values()) == [run]
    assert [(step, value) for name, step, value in run.points if name == "dev/f1"] == [
        (line["epoch"], line["dev"]["f1"]) for line in log_of(tmp_path / "run")
    ]
    assert run.parameters["training.learning_rate"] == "0.01"
    assert (run.experiment, run.name, run.tags, run.status) == ("of rnner", "run", {}, "FINISHED")
    assert "best/test_f1" in [name for name, _, _ in run.points]


def test_tensorboard_has_each_epoch_once(train, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train("tensorboard", epochs=2)
    state = tmp_path / "run" / "tracking.json"
    # As after a kill between writing the points of an epoch and noting it.
    state.write_text(json.dumps({"tensorboard": ["local", 1]}))
    train("tensorboard", resume=True)
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    scores = [(event.step, event.value) for event in events.Scalars("dev/f1")]
    log = [(line["epoch"], pytest.approx(line["dev"]["f1"])) for line in log_of(tmp_path / "run")]
    assert scores == log
    assert "_hparams_/session_start_info" in events.summary_metadata
    clear_output(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_tracker_added_on_resume_gets_the_earlier_epochs(train, wandb, mlflow):
    train("mlflow", epochs=2)
    train("wandb", "mlflow", resume=True)
    assert [step for run in wandb.runs.values() for step, _ in run.points] == [1, 2, 3]
    (run,) = mlflow.runs.values()
    assert [step for name, step, _ in run.points if name == "dev/loss"] == [1, 2, 3]


def test_a_new_run_in_the_same_folder_is_a_new_run_of_the_tracker(train, wandb):
    train("wandb")
    train("wandb")
    assert [[step for step, _ in run.points] for run in wandb.runs.values()] == [[1, 2, 3]] * 2


def test_a_tracker_that_fails_is_dropped_with_one_warning(train, wandb, mlflow, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ConnectionError("no route to\nthe server")

    monkeypatch.setattr(mlflow, "log_batch", fail)
    (warning,) = train("wandb", "mlflow")
    assert warning == ("--log mlflow: ConnectionError: no route to the server; training continues without it")
    assert [step for run in wandb.runs.values() for step, _ in run.points] == [1, 2, 3]
    assert load_metrics(tmp_path / "run") is not None


def test_trackers_do_not_change_the_weights(train, wandb, finished_run, tmp_path):
    train("wandb", "wandb")
    weights = (tmp_path / "run" / "model.safetensors").read_bytes()
    assert weights == (finished_run[1] / "model.safetensors").read_bytes()
    assert len(wandb.runs) == 1


@pytest.mark.parametrize("content", ["", "[", '{"wandb": 3}', "[1]", '{"wandb": ["id", "x"]}'])
def test_a_damaged_state_starts_a_new_run(tmp_path, config, wandb, content):
    (tmp_path / "tracking.json").write_text(content)
    with Tracking(["wandb"], TrackedRun.of(tmp_path, config), pytest.fail) as tracking:
        tracking.finish({"train": {"epochs": 0}})
    assert list(wandb.runs) == ["id0"]


def test_seeds_have_names_and_a_group(tmp_path, config):
    run = TrackedRun.of(tmp_path / "mine" / "seed-2", config, seeds=tmp_path / "mine")
    assert (run.name, run.group) == ("mine/seed-2", "mine")


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_reported_with_its_extra(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=rf"--log {name}: .* pip install {name} .*'\.\[{name}\]'"):
        check_trackers([name])


def test_nothing_is_imported_without_a_tracker(tmp_path, config, monkeypatch):
    monkeypatch.setattr("rnner.integrations.tracking.import_module", pytest.fail)
    with Tracking([], TrackedRun.of(tmp_path, config), pytest.fail) as tracking:
        tracking.update(SimpleNamespace(epoch=1))
    assert not (tmp_path / "tracking.json").exists()
    assert "wandb" not in sys.modules
