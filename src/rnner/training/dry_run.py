"""A dry run: everything that a training run does, but with one step and few sentences."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rnner.data.splits import Split
from rnner.data.token_table import Indices
from rnner.system.process_memory import peak_memory_mb
from rnner.training.progress import Step
from rnner.training.run import run_training
from rnner.training.setup import TrainingSetup

_SCORED = 100  # maximum number of sentences of dev, and of test


@dataclass(frozen=True)
class DryRun:
    """Cost of one training step on the batch with the longest sentence."""

    sentences: int  # in the batch
    longest: int  # tokens
    loss: float
    peak_memory_mb: float | None


def dry_run(setup: TrainingSetup) -> DryRun:
    """Train on the batch with the longest sentence, in a temporary folder, and leave the setup unchanged.

    The model is saved, loaded and scored, to find errors that would otherwise end a long run.

    Raises:
        RnnerError: as `run_training` does.
    """
    rows, corpus = _longest_batch(setup), setup.corpus
    small = replace(
        corpus,
        train=corpus.train.select(rows),
        dev=_first(corpus.dev),
        test=None if corpus.test is None else _first(corpus.test),
    )
    training = setup.config.training.model_copy(update={"epochs": 1})
    config = setup.config.model_copy(update={"training": training})
    trial = replace(setup, config=config, corpus=small, tagger=copy.deepcopy(setup.tagger))
    with TemporaryDirectory() as folder:
        first = next(event for event in list(run_training(trial, Path(folder))) if isinstance(event, Step))
    return DryRun(len(rows), int(small.train.lengths.max()), first.loss, peak_memory_mb(setup.device))


def _longest_batch(setup: TrainingSetup) -> Indices:
    """Return the training sentences `[n]` of a batch with the longest one."""
    config, lengths = setup.config.training, setup.corpus.train.lengths
    order = np.argsort(-lengths, kind="stable")
    fitting = max(1, config.batch_tokens // int(lengths[order[0]])) if config.batch_tokens else len(lengths)
    return order[: min(fitting, config.batch_sentences or fitting)]


def _first(split: Split) -> Split:
    return split.select(range(min(len(split), _SCORED)))
