"""Runs that are interrupted or killed and resumed, and runs that diverge."""

import math
import os
import random
import signal
import subprocess
import sys
import textwrap

import pytest
import torch

from rnner.errors import ModelError, TrainingError
from rnner.model.folder import load_metrics, load_model
from rnner.training.output_folder import check_output, check_same_config
from rnner.training.progress import Epoch, Step
from rnner.training.run import run_training
from rnner.training.setup import prepare_training
from run_helpers import CPU, assert_same_end, content, run, stopped_after
from tiny_corpus import TRAIN, write_columns


@pytest.mark.parametrize("events", [1, 3, 4, 7, 12])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, finished_run, events):
    config, folder = finished_run
    stopped_after(tmp_path / "run", config, events)
    assert load_metrics(tmp_path / "run") is None
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)


def test_a_run_interrupted_many_times_equals_an_uninterrupted_one(tmp_path, finished_run):
    config, folder = finished_run
    for _ in range(6):
        stopped_after(tmp_path / "run", config, 2, resume=True)
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)


def test_resuming_without_a_checkpoint_starts_from_the_beginning(tmp_path, finished_run):
    config, folder = finished_run
    events = run(tmp_path / "run", config, resume=True)
    assert sum(isinstance(event, Step) for event in events) == 9
    assert_same_end(tmp_path / "run", folder)


@pytest.mark.parametrize("broken", [b"", b"nonsense"])
def test_two_corrupted_checkpoints_are_reported_and_nothing_overwritten(tmp_path, config, broken):
    stopped_after(tmp_path / "run", config, 5)
    for name in ("state", "previous"):
        (tmp_path / "run" / "checkpoint" / f"{name}.safetensors").write_bytes(broken)
    before = content(tmp_path / "run")
    with pytest.raises(ModelError, match="is not a checkpoint of this run"):
        run(tmp_path / "run", config, resume=True)
    assert content(tmp_path / "run") == before


def test_a_corrupted_log_is_reported(tmp_path, config):
    stopped_after(tmp_path / "run", config, 5)
    (tmp_path / "run" / "log.jsonl").write_text('{"epoch": 1\n')
    with pytest.raises(ModelError, match=r"log\.jsonl:1: is not an epoch .* remove the file"):
        run(tmp_path / "run", config, resume=True)


def test_resuming_with_other_data_is_refused_and_changes_nothing(tmp_path, config):
    stopped_after(tmp_path / "run", config, 5)
    before = content(tmp_path / "run")
    write_columns(tmp_path / "train.conll", TRAIN + "[PER Dobby] is free .")
    with pytest.raises(ModelError, match="was saved with other data or another config"):
        run(tmp_path / "run", config, resume=True)
    assert content(tmp_path / "run") == before
    load_model(tmp_path / "run")  # the best model so far can still be loaded


def test_divergence_keeps_the_last_good_checkpoint(tmp_path, config):
    setup = prepare_training(config, device=CPU)
    events = run_training(setup, tmp_path / "run")
    for event in events:
        if isinstance(event, Epoch):
            break
    good = (tmp_path / "run" / "checkpoint" / "state.safetensors").read_bytes()
    with torch.no_grad():
        setup.tagger.emission.weight[:] = math.nan
    with pytest.raises(TrainingError, match=r"diverged.*last good checkpoint is kept in .*checkpoint"):
        next(events)
    assert (tmp_path / "run" / "checkpoint" / "state.safetensors").read_bytes() == good
    load_model(tmp_path / "run")


KILLED = """
    import sys
    from pathlib import Path
    import torch
    from rnner.config import load_config
    from rnner.training.setup import prepare_training
    from rnner.training.run import run_training

    torch.set_num_threads(int(sys.argv[3]))
    setup = prepare_training(load_config(sys.argv[1]), device=torch.device("cpu"))
    for event in run_training(setup, Path(sys.argv[2]), resume=True):
        print(type(event).__name__, flush=True)
"""


def killed_after(folder, config_file, events, delay):
    """Train in a new process, and kill it `delay` seconds after this number of events."""
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(KILLED),
        config_file,
        folder,
        str(torch.get_num_threads()),
    ]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        for _ in range(events):
            process.stdout.readline()
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    return process.returncode


def kill_and_resume(tmp_path, config, folder, moments):
    (tmp_path / "config.yaml").write_bytes((folder / "config.yaml").read_bytes())
    codes = [killed_after(tmp_path / "run", tmp_path / "config.yaml", *moment) for moment in moments]
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)
    return codes


def test_a_killed_run_equals_an_uninterrupted_one(tmp_path, finished_run):
    assert kill_and_resume(tmp_path, *finished_run, [(6, 0.0)]) == [-signal.SIGKILL]


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 4, 5, 7, 8, 10, 11])
def test_a_run_interrupted_at_any_write_is_resumed_exactly(tmp_path, finished_run, monkeypatch, writes):
    config, folder = finished_run
    fsync, left = os.fsync, [writes]

    def break_off(descriptor):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", break_off)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", config)
    monkeypatch.undo()
    check_output(tmp_path / "run", resume=True, overwrite=False)
    check_same_config(tmp_path / "run", config)
    run(tmp_path / "run", config, resume=True)
    assert_same_end(tmp_path / "run", folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_runs_killed_at_random_moments_equal_an_uninterrupted_one(tmp_path, finished_run, seed):
    draw = random.Random(seed)
    moments = [(draw.randint(0, 4), draw.random() * 0.05) for _ in range(3)]
    kill_and_resume(tmp_path, *finished_run, moments)
