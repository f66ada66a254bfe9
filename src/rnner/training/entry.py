"""`train`: from a config to a model folder, in one call; `rnner.train` is this function."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnner.config import Config, data_folders, inherit_network, load_config, parse_config
from rnner.errors import UsageError
from rnner.model.folder import load_metrics, load_model
from rnner.model.names import find_model
from rnner.model.user_code import load_code
from rnner.nn.cells import cell_names
from rnner.system.device import choose_device
from rnner.training.output_folder import reserve_output
from rnner.training.progress import Epoch, Step
from rnner.training.run import run_training
from rnner.training.setup import TrainingSetup, prepare_training

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """A trained model.

    Attributes:
        output: the model folder; `rnner.load(result.output)` loads it.
        metrics: the contents of its `metrics.json`, such as `metrics["dev"]["f1"]`.
    """

    output: Path
    metrics: dict[str, Any]


def log_progress(event: TrainingSetup | Step | Epoch) -> None:
    """Log the notes, warnings and epochs of a run. `logging.basicConfig(level="INFO")` shows them."""
    if isinstance(event, TrainingSetup):
        for message in event.notices:
            _logger.info("%s", message)
        for message in event.corpus.warnings:
            _logger.warning("%s", message)
    elif isinstance(event, Epoch):
        best = ", the best so far" if event.best else ""
        _logger.info("epoch %d: loss %.3f, F1 on dev %.4f%s", event.epoch, event.loss, event.dev.f1, best)


def train(
    config: Config | Mapping[str, Any] | Path | str,
    output: Path | str | None = None,
    *,
    overrides: Sequence[str] = (),
    init_from: Path | str | None = None,
    device: str = "auto",
    code: Path | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[TrainingSetup | Step | Epoch], None] = log_progress,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train a tagger, and save the best model.

    Args:
        config: a YAML file, the name of a bundled config such as "quickstart", a `Config`, or its contents
            as nested dicts. Relative paths in it are looked up
            in the working directory, then in the folder of the file.
        output: the model folder; the default is `runs/NAME` for the config file `NAME.yaml`.
        overrides: values that replace those of the config, such as `["training.epochs=5"]`.
        init_from: start from this model, named as for `rnner.load`. Its network is kept; new labels
            are added.
        device: "auto", "cpu" or "cuda".
        code: the Python file that registers your own cells or tokenizer.
        resume: resume the run in the folder, if there is one.
        overwrite: replace the run in the folder, if there is one.
        progress: called with the setup before the first step, then with each step and each epoch.
        stop: called after each step; if it returns True, the run is saved and `InterruptedRun` is raised.

    Raises:
        UsageError, ConfigError, DataError, ModelError: the message says what is wrong and what to do.
        TrainingError: training diverged.

    Examples:
        >>> import rnner
        >>> result = rnner.train("my.yaml", output="runs/mine", overrides=["training.epochs=2"])
        >>> sorted(result.metrics)[:2]
        ['dev', 'device']
        >>> rnner.load(result.output).labels
        ['LOC', 'ORG', 'PER']
    """
    place = choose_device(device)
    if code is not None:
        load_code(code)
    settings, source = _read_config(config, overrides)
    folder = _folder(output, source)
    base = None if init_from is None else load_model(find_model(init_from))
    notes: list[str] = []
    if base is not None:
        settings, notes = inherit_network(settings, base.config)
    with reserve_output(folder, settings, resume=resume, overwrite=overwrite) as metrics:
        if metrics is None:
            setup = prepare_training(settings, folders=data_folders(source), device=place, init_from=base)
            setup.notices += notes
            progress(setup)
            for event in run_training(setup, folder, resume=resume, stop=stop):
                progress(event)
            metrics = load_metrics(folder)
    assert metrics is not None
    return TrainingResult(folder, metrics)


def _read_config(
    config: Config | Mapping[str, Any] | Path | str, overrides: Sequence[str]
) -> tuple[Config, Path | None]:
    """Return the config, and the file that it comes from, if any."""
    if isinstance(config, Path | str):
        return load_config(config, overrides, cells=cell_names()), Path(config)
    tree = config.model_dump(exclude_unset=True) if isinstance(config, Config) else dict(config)
    return parse_config(tree, overrides, cells=cell_names()), None


def _folder(output: Path | str | None, source: Path | None) -> Path:
    if output is not None:
        return Path(output)
    if source is None:
        raise UsageError("name the model folder: train(config, output=DIR)")
    return Path("runs") / source.stem
