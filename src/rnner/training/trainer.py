"""The training loop. `Trainer.fit` is a generator of steps and epochs; the caller prints, saves and stops.

The random numbers of a step depend only on `training.seed` and the step number; the order of an
epoch's batches depends only on `training.seed` and the epoch number. The state of a run is therefore the
weights, their average, the optimizer's state and a few counters, and a resumed run ends with the same bits as
an uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from rnner.config import TrainingConfig
from rnner.data.batches import Batch, batch_indices
from rnner.data.encoded_split import EncodedSplit
from rnner.data.splits import Split
from rnner.data.vocabulary import Vocabulary
from rnner.errors import TrainingError
from rnner.model.tagger import Tagger
from rnner.training.optimizer import WeightAverage, learning_rate, make_optimizer
from rnner.training.progress import DevResult, Epoch, Position, Step


class Trainer:
    """A tagger with its training data, optimizer, weight average and position.

    Args:
        tagger: the tagger to train, already on its device.
        vocabulary: encodes words and tags.
        train: the training sentences, in the vocabulary's tag scheme.
        config: the section `training` of a config.
        evaluate: returns the result on dev; called while the tagger holds the averaged weights.
    """

    def __init__(
        self,
        tagger: Tagger,
        vocabulary: Vocabulary,
        train: Split,
        config: TrainingConfig,
        evaluate: Callable[[], DevResult],
    ) -> None:
        self.tagger, self.config, self.evaluate = tagger, config, evaluate
        self.encoded = EncodedSplit(
            vocabulary,
            train,
            bags=tagger.document is not None,
            document_dropout=tagger.document_dropout,
            casing_dropout=tagger.casing_dropout,
        )
        self.lengths, self.sample = train.lengths, train.sample
        self.device = tagger.emission.weight.device
        self.weights = {name: p for name, p in tagger.named_parameters() if p.requires_grad}
        self.parameters = list(self.weights.values())
        self.optimizer = make_optimizer(tagger, config)
        self.average = None if config.average is None else WeightAverage(self.parameters, config.average)
        # For the schedule. With `batch_tokens`, epochs may differ by a few steps.
        self.steps = config.epochs * len(self.epoch_batches(0))
        self.position = Position()

    def fit(self) -> Iterator[Step | Epoch]:
        """Train from the current position to the end, and yield each step and each epoch.

        Raises:
            TrainingError: the loss or a gradient is not finite (that step leaves the weights unchanged), or
                the weights are not finite at the end of an epoch (they are not scored).
        """
        while not self.finished:
            batches = self.epoch_batches(self.position.epoch)
            for rows in batches[self.position.epoch_step :]:
                yield self._step(rows, len(batches))
            yield self._end_epoch()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or none of the last `patience` epochs was the best so far."""
        position, patience = self.position, self.config.patience
        stalled = patience is not None and position.epoch - position.best_epoch >= patience
        return position.epoch >= self.config.epochs or (stalled and position.epoch > 0)

    def epoch_batches(self, epoch: int) -> list[np.ndarray]:
        """Return the batches of an epoch, as indices of training sentences."""
        rows = self.sample([self.config.seed, epoch])
        batches = batch_indices(
            self.lengths if rows is None else self.lengths[rows],
            sentences=self.config.batch_sentences,
            tokens=self.config.batch_tokens,
            generator=np.random.default_rng([self.config.seed, epoch]),
        )
        return batches if rows is None else [rows[batch] for batch in batches]

    def averaged(self) -> AbstractContextManager[None]:
        """Give the tagger the weights to score and save (the average, if there is one) in a `with` block."""
        return nullcontext() if self.average is None else self.average.swapped_in()

    def _step(self, rows: np.ndarray, steps: int) -> Step:
        """Train on one batch of an epoch that has `steps` batches."""
        started = time.perf_counter()
        position = self.position
        self._seed(position.step)
        rate = self._set_learning_rate(position.step)
        batch = self.encoded.batch(rows).to(self.device)
        self.optimizer.zero_grad()
        loss = self._loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        norm, clipped = self._clip_gradients()
        self._check_finite(float(loss.detach()), norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(position.step)
        step = Step(
            step=position.epoch_step + 1,
            steps=steps,
            epoch=position.epoch + 1,
            loss=float(loss.detach()),
            learning_rate=rate,
            gradient_norm=norm,
            clipped=clipped,
            tokens=batch.tokens,
            seconds=time.perf_counter() - started,
        )
        self.position = position.after_step(step, sentences=len(rows))
        return step

    def _end_epoch(self) -> Epoch:
        if not self.is_finite():
            what = f"the weights are not finite after epoch {self.position.epoch + 1}: training has diverged"
            raise TrainingError(f"{what}. Try a lower training.learning_rate")
        started = time.perf_counter()
        with self.averaged():
            dev = self.evaluate()
        done = self.position
        self.position = done.after_epoch(dev, time.perf_counter() - started)
        return Epoch(
            epoch=self.position.epoch,
            loss=done.epoch_loss / done.epoch_sentences,
            learning_rate=learning_rate(self.config, done.step - 1, self.steps),
            gradient_norm=done.epoch_norm / done.epoch_step,
            clipped=done.epoch_clipped / done.epoch_step,
            tokens_per_second=done.epoch_tokens / done.epoch_seconds,
            dev=dev.scores,
            dev_loss=dev.loss,
            best=self.position.best_epoch == self.position.epoch,
            last=self.finished,
        )

    def _seed(self, step: int) -> None:
        """Seed the generators that a step draws from; `torch.manual_seed` would take 0.1 ms longer."""
        seed = (self.config.seed << 32) + step  # no two runs share the seed of a step
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _set_learning_rate(self, step: int) -> float:
        rate = learning_rate(self.config, step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _loss(self, batch: Batch[Tensor]) -> Tensor:
        self.tagger.train()
        reduced = self.config.precision != "float32"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=reduced):
            return self.tagger.loss(batch)

    def _clip_gradients(self) -> tuple[float, bool]:
        """Clip the gradients. Return their norm before clipping, and whether clipping changed any of them."""
        clip = self.config.clip
        if clip is not None and self.config.clip_by == "norm":
            norm = float(nn.utils.clip_grad_norm_(self.parameters, clip))
            return norm, norm > clip
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = float(nn.utils.get_total_norm(gradients))
        if clip is None:
            return norm, False
        largest = max(float(gradient.abs().max()) for gradient in gradients)
        nn.utils.clip_grad_value_(self.parameters, clip)
        return norm, largest > clip

    def _check_finite(self, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        what = f"the gradient's norm is {norm}" if math.isfinite(loss) else f"the loss is {loss}"
        position, rate = self.position, self.optimizer.param_groups[0]["lr"]
        raise TrainingError(
            f"{what} at step {position.epoch_step + 1} of epoch {position.epoch + 1}: training has "
            f"diverged. Try a lower training.learning_rate (it was {rate:.3g}) or training.clip"
        )

    # --- checkpoints ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, their average and the optimizer's state by name. `position` is not included."""
        state: dict[str, Tensor] = {}
        for i, (name, parameter) in enumerate(self.weights.items()):
            state[f"weight.{name}"] = parameter.detach()
            if self.average is not None:
                state[f"average.{name}"] = self.average.values[i]
            for key, value in self.optimizer.state[parameter].items():
                state[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
        return state

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor], position: Position) -> None:
        """Restore the state and the position. Raises KeyError or RuntimeError if the state does not fit."""
        for i, (name, parameter) in enumerate(self.weights.items()):
            parameter.copy_(state[f"weight.{name}"])
            if self.average is not None:
                self.average.values[i].copy_(state[f"average.{name}"])
        for key, tensor in state.items():
            part, _, rest = key.partition(".")
            if part == "optimizer":
                entry, _, name = rest.partition(".")
                self.optimizer.state[self.weights[name]][entry] = tensor.to(self.device)
        self.position = position

    def is_finite(self) -> bool:
        """Return whether all weights are finite numbers. Non-finite weights are never saved."""
        return all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters)
