"""Runs of the tiny corpus, for the tests of what a run leaves behind."""

import json

import pytest
import torch

from rnner.training.run import InterruptedRun, finished, train
from rnner.training.setup import prepare

CPU = torch.device("cpu")
FILES = {"config.yaml", "vocabulary.json", "model.safetensors", "metrics.json", "log.jsonl", "README.md"}


def run(folder, config, **options):
    """Train to the end; the events told."""
    return list(train(prepare(config, device=CPU), folder, **options))


def stopped_after(folder, config, events, *, init_from=None, **options):
    """Train until so many steps and epochs are told, then stop as Ctrl-C does."""
    told = []
    job = prepare(config, device=CPU, init_from=init_from)
    with pytest.raises(InterruptedRun, match=r"interrupted and saved in .* --resume goes on"):
        for event in train(job, folder, stop=lambda: len(told) >= events, **options):
            told.append(event)
    assert len(told) == events


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def figures(folder):
    metrics = finished(folder)
    return {name: metrics[name] for name in ("dev", "test")}


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same_end(one, other):
    assert {path.name for path in one.iterdir()} == FILES
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert figures(one) == figures(other)
    timeless = [
        [{key: value for key, value in line.items() if key != "tokens_per_second"} for line in log_of(run)]
        for run in (one, other)
    ]
    assert timeless[0] == timeless[1]
