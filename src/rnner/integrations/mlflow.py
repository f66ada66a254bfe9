"""MLflow: `rnner train --log mlflow` writes the config and the scores of each epoch to the tracking server.

The package's own variables apply: `MLFLOW_TRACKING_URI` names the server, without which MLflow writes to a
local file or folder, and `MLFLOW_EXPERIMENT_NAME` replaces the experiment's name, `rnner`.
"""

from __future__ import annotations

import os
import time
from typing import Any

import mlflow
from mlflow.entities import Metric, Param

from rnner.integrations.tracking import TrackedRun, final_scores, scalars
from rnner.model.epoch_log import LoggedEpoch


def start(run: TrackedRun, run_id: str | None, after: int) -> MLflow:
    """Start or continue a run; see `rnner.integrations.tracking.Tracker`."""
    return MLflow(run, run_id)


class MLflow:
    """A run of MLflow. It is not MLflow's active run, so it does not disturb other code in the process."""

    def __init__(self, run: TrackedRun, run_id: str | None) -> None:
        self._client = mlflow.MlflowClient()
        if run_id is None:
            experiment = mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "rnner"))
            tags = {} if run.group is None else {"group": run.group}
            created = self._client.create_run(experiment.experiment_id, tags=tags, run_name=run.name)
            run_id = str(created.info.run_id)
            parameters = [Param(name, str(value)) for name, value in run.parameters.items()]
            self._client.log_batch(run_id, params=parameters)
        else:
            self._client.update_run(run_id, status="RUNNING")
        self.run_id = run_id

    def epoch(self, epoch: LoggedEpoch) -> None:
        """Write the figures of an epoch."""
        self._write(scalars(epoch), epoch.epoch)

    def finish(self, metrics: dict[str, Any] | None) -> None:
        """Write the scores of the saved model, and end the run."""
        if metrics is not None:
            self._write(final_scores(metrics), metrics["train"]["best_epoch"])
        self._client.set_terminated(self.run_id, "KILLED" if metrics is None else "FINISHED")

    def _write(self, values: dict[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value in values.items()]
        self._client.log_batch(self.run_id, metrics=metrics)
