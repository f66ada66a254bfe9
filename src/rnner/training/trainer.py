"""Training: `fit` is a generator of progress; who runs it draws, saves, and stops when it likes.

Everything random in a step is drawn from a seed made of the run's seed and the step's number, and the
order of an epoch from the seed and the epoch's. So the weights, the optimiser's state and a few
numbers are all that a run is, at any step, and one that was broken off goes on to the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

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
from rnner.scoring.metrics import Scores
from rnner.training.optimizer import Average, learning_rate, make_optimizer
from rnner.training.progress import Epoch, Position, Step


class Trainer:
    """A tagger with its optimiser, average and position: what a checkpoint holds.

    Args:
        tagger: on the device where it is to train.
        vocabulary: makes batches of words and tags.
        train: tags in the vocabulary's scheme.
        plan: how to train.
        evaluate: scores the tagger on dev; called with the averaged weights in place.
    """

    def __init__(
        self,
        tagger: Tagger,
        vocabulary: Vocabulary,
        train: Split,
        plan: TrainingConfig,
        evaluate: Callable[[], Scores],
    ) -> None:
        self.tagger, self.vocabulary, self.train, self.plan = tagger, vocabulary, train, plan
        self.evaluate = evaluate
        self.encoded = EncodedSplit(
            vocabulary,
            train,
            bags=tagger.document is not None,
            alone=tagger.document_dropout,
            recased=tagger.casing_dropout,
        )
        self.position = Position()
        self.parameters = [p for p in tagger.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(tagger, plan)
        self.average = Average(self.parameters, plan.average) if plan.average is not None else None
        self.device = tagger.emission.weight.device
        self.steps = plan.epochs * len(self._order(0))  # for the schedule; token bounds may vary it by a few

    def fit(self) -> Iterator[Step | Epoch]:
        """Train from the present position to the end, telling each step and each epoch.

        Raises:
            TrainingError: when a loss or gradient is not finite; the weights are those before that step. Also
                when a step has left weights that are not finite; they are never scored, nor told as an Epoch.
        """
        while not self.finished:
            order = self._order(self.position.epoch)
            while self.position.epoch_step < len(order):
                yield self._step(order[self.position.epoch_step], len(order))
            yield self._end_epoch()

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or patience is out."""
        position, patience = self.position, self.plan.patience
        out = patience is not None and position.epoch - position.best_epoch >= patience
        return position.epoch >= self.plan.epochs or (out and position.epoch > 0)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The weights that are scored and kept are in place within."""
        if self.average is None:
            yield
        else:
            with self.average.swapped_in():
                yield

    def try_batch(self, rows: np.ndarray) -> float:
        """The loss of the batch of these sentences, forward and backward; no weight changes."""
        batch = self.encoded.batch(rows).to(self.device)
        loss = self._backward(batch)
        self.optimizer.zero_grad()
        return loss

    def _order(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch, as indices into the training sentences."""
        generator = np.random.default_rng([self.plan.seed, epoch])
        plan = self.plan
        return batch_indices(
            self.train.lengths, sentences=plan.batch_sentences, tokens=plan.batch_tokens, generator=generator
        )

    def _step(self, rows: np.ndarray, steps: int) -> Step:
        started = time.perf_counter()
        position = self.position
        self._seed((self.plan.seed << 32) + position.step)
        batch = self.encoded.batch(rows).to(self.device)
        rate = learning_rate(self.plan, position.step, self.steps)
        loss = self._backward(batch)
        norm, clipped = self._clip()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient's norm is {norm}"
            raise TrainingError(
                f"{what} at step {position.epoch_step + 1} of epoch {position.epoch + 1}: training has "
                f"diverged. Try a lower training.learning_rate (it was {rate:.3g}) or training.clip"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        if self.average is not None:
            self.average.update(position.step)
        tokens, seconds = batch.tokens, time.perf_counter() - started
        self.position = replace(
            position,
            step=position.step + 1,
            seconds=position.seconds + seconds,
            tokens=position.tokens + tokens,
            epoch_step=position.epoch_step + 1,
            epoch_loss=position.epoch_loss + loss * len(rows),
            epoch_norm=position.epoch_norm + norm,
            epoch_clipped=position.epoch_clipped + clipped,
            epoch_tokens=position.epoch_tokens + tokens,
            epoch_seconds=position.epoch_seconds + seconds,
            epoch_sentences=position.epoch_sentences + len(rows),
        )
        return Step(
            step=position.epoch_step + 1,
            steps=steps,
            epoch=position.epoch + 1,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            clipped=clipped,
            tokens=tokens,
            seconds=seconds,
        )

    def _seed(self, seed: int) -> None:
        """Seed what draws in a step; `torch.manual_seed` does more, and takes a tenth of a millisecond."""
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _backward(self, batch: Batch[Tensor]) -> float:
        """The loss of a batch, its gradients left in the parameters."""
        self.tagger.train()
        self.optimizer.zero_grad()
        reduced = self.plan.precision != "float32"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=reduced):
            loss = self.tagger.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _clip(self) -> tuple[float, bool]:
        """Clip the gradients; their norm before, and whether anything was clipped."""
        plan = self.plan
        if plan.clip is not None and plan.clip_by == "norm":
            norm = float(nn.utils.clip_grad_norm_(self.parameters, plan.clip))
            return norm, norm > plan.clip
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = float(nn.utils.get_total_norm(gradients))
        if plan.clip is None:
            return norm, False
        largest = max(float(gradient.abs().max()) for gradient in gradients)
        nn.utils.clip_grad_value_(self.parameters, plan.clip)
        return norm, largest > plan.clip

    def _end_epoch(self) -> Epoch:
        position = self.position
        if not self.finite():
            what = f"the weights are not finite after epoch {position.epoch + 1}: training has diverged"
            raise TrainingError(f"{what}. Try a lower training.learning_rate")
        started = time.perf_counter()
        with self.averaged():
            scores = self.evaluate()
        best = scores.f1 > position.best_f1
        epoch = position.epoch + 1
        self.position = replace(
            position,
            epoch=epoch,
            scoring_seconds=position.scoring_seconds + time.perf_counter() - started,
            best_f1=scores.f1 if best else position.best_f1,
            best_epoch=epoch if best else position.best_epoch,
            **{field.name: 0 for field in fields(Position) if field.name.startswith("epoch_")},
        )
        return Epoch(
            epoch=epoch,
            loss=position.epoch_loss / position.epoch_sentences,
            tokens_per_second=position.epoch_tokens / position.epoch_seconds,
            gradient_norm=position.epoch_norm / position.epoch_step,
            clipped=position.epoch_clipped / position.epoch_step,
            learning_rate=learning_rate(self.plan, position.step - 1, self.steps),
            dev=scores,
            best=best,
            last=self.finished,
        )

    def tensors(self) -> dict[str, Tensor]:
        """Weights, their average and the optimiser's state, by name."""
        names = [name for name, p in self.tagger.named_parameters() if p.requires_grad]
        held = {f"weight.{name}": p.detach() for name, p in zip(names, self.parameters, strict=True)}
        if self.average is not None:
            held |= {f"average.{name}": v for name, v in zip(names, self.average.values, strict=True)}
        for name, parameter in zip(names, self.parameters, strict=True):
            for key, value in self.optimizer.state[parameter].items():
                held[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
        return held

    def restore(self, tensors: dict[str, Tensor], position: Position) -> None:
        """Go to where `tensors()` and `position` were taken; KeyError or RuntimeError if they do not fit."""
        named = {name: p for name, p in self.tagger.named_parameters() if p.requires_grad}
        with torch.no_grad():
            for name, parameter in named.items():
                parameter.copy_(tensors[f"weight.{name}"])
            if self.average is not None:
                for name, value in zip(named, self.average.values, strict=True):
                    value.copy_(tensors[f"average.{name}"])
        for key, tensor in tensors.items():
            part, _, rest = key.partition(".")
            if part == "optimizer":
                entry, _, name = rest.partition(".")
                self.optimizer.state[named[name]][entry] = tensor.to(self.device)
        self.position = position

    def finite(self) -> bool:
        """Whether all weights are finite numbers: what is not must never replace a good checkpoint."""
        return all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters)
