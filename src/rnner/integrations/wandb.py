"""Weights & Biases: `rnner train --log wandb` sends the config and the scores of each epoch.

Console output, code and git state are not sent. The package's own variables apply: `WANDB_MODE=offline`
writes to the folder `wandb` only, and `WANDB_PROJECT` replaces the project's name, `rnner`.
"""

from __future__ import annotations

import os
from typing import Any

import wandb

from rnner.integrations.tracking import TrackedRun, final_scores, scalars
from rnner.model.epoch_log import LoggedEpoch


def start(run: TrackedRun, run_id: str | None, after: int) -> Wandb:
    """Start or continue a run; see `rnner.integrations.tracking.Tracker`."""
    return Wandb(run, run_id)


class Wandb:
    """A run of Weights & Biases."""

    def __init__(self, run: TrackedRun, run_id: str | None) -> None:
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "rnner"),
            name=run.name,
            group=run.group,
            config=run.parameters,
            id=run_id,
            resume=None if run_id is None else "allow",
            settings=wandb.Settings(console="off", disable_code=True, disable_git=True, silent=True),
        )
        self.run_id = self._run.id

    def epoch(self, epoch: LoggedEpoch) -> None:
        """Write the figures of an epoch."""
        self._run.log(scalars(epoch), step=epoch.epoch)

    def finish(self, metrics: dict[str, Any] | None) -> None:
        """Write the scores of the saved model; an interrupted run is marked as failed."""
        if metrics is not None:
            self._run.summary.update(final_scores(metrics))
        self._run.finish(exit_code=1 if metrics is None else 0)
