"""Training runs on the tiny corpus, and checks of their output folders."""

import json

import pytest
import torch

from rnner.model.folder import load_metrics
from rnner.training.run import InterruptedRun, run_training
from rnner.training.setup import prepare_training

CPU = torch.device("cpu")
FILES = {
    *("config.yaml", "vocabulary.json", "model.safetensors", "metrics.json"),
    *("log.jsonl", "README.md", "training.svg", "manifest.json"),
}


def run(folder, config, **options):
    """Train to the end and return the events."""
    return list(run_training(prepare_training(config, device=CPU), folder, **options))


def stopped_after(folder, config, events, *, init_from=None, **options):
    """Train until this number of events, then stop as Ctrl-C does."""
    seen = []
    setup = prepare_training(config, device=CPU, init_from=init_from)
    with pytest.raises(InterruptedRun, match=r"interrupted and saved in .* --resume"):
        for event in run_training(setup, folder, stop=lambda: len(seen) >= events, **options):
            seen.append(event)
    assert len(seen) == events


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def figures(folder):
    metrics = load_metrics(folder)
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
