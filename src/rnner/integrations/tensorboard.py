"""TensorBoard: `rnner train --log tensorboard` writes to the folder `tensorboard` in the model folder.

`tensorboard --logdir runs` shows all runs; it reads local files only.
"""

from __future__ import annotations

from typing import Any

from torch.utils.tensorboard import SummaryWriter

from rnner.integrations.tracking import TrackedRun, final_scores, scalars
from rnner.model.epoch_log import LoggedEpoch
from rnner.model.file_names import TENSORBOARD


def start(run: TrackedRun, run_id: str | None, after: int) -> TensorBoard:
    """Start or continue the event files of a run; see `rnner.integrations.tracking.Tracker`."""
    return TensorBoard(run, after)


class TensorBoard:
    """The event files of a run.

    TensorBoard hides points after the epoch `after`, which a killed run may have left.
    """

    run_id = "local"

    def __init__(self, run: TrackedRun, after: int) -> None:
        self._parameters = run.parameters
        self._writer = SummaryWriter(str(run.folder / TENSORBOARD), purge_step=after + 1 if after else None)

    def epoch(self, epoch: LoggedEpoch) -> None:
        """Write the figures of an epoch."""
        for name, value in scalars(epoch).items():
            self._writer.add_scalar(name, value, epoch.epoch)
        self._writer.flush()

    def finish(self, metrics: dict[str, Any] | None) -> None:
        """Write the config with the scores of the saved model, for the table of hyperparameters."""
        if metrics is not None:
            scores = final_scores(metrics)
            self._writer.add_hparams(self._parameters, scores, run_name=".")
        self._writer.close()
