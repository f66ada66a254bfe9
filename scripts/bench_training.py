"""Measure tokens per second of the tagger in training and prediction, and where the time goes.

    python scripts/bench_training.py CORPUS.conll [--vectors glove.6B.100d.txt] [--threads 1] [--json F]

Times two taggers with character CNN, casing and CRF: 100 units per direction with batches of 10 sentences,
and 200 units with batches of 32. Training counts whole steps over random batches, as in `rnner train`. The
parts of a step are then timed alone, forward and backward, on the same batches; "rest" is the difference
between the whole step and their sum. Prediction goes from lists of words to entities with probabilities,
each sentence once, with nothing cached. Figures are medians. Takes a few minutes; run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from common import argument_parser, write_json
from timing import call_times, fresh_decoder, seconds
from torch import Tensor

from rnner.config import parse_config
from rnner.data.batches import Batch
from rnner.system.process_memory import keep_freed_memory
from rnner.training.progress import Step
from rnner.training.setup import TrainingSetup, make_trainer, prepare_training
from rnner.training.trainer import Trainer

TAGGERS = [(100, 10), (200, 32)]  # units per direction, sentences per batch


def main() -> None:
    arguments = _arguments()
    keep_freed_memory()  # as in `rnner train`
    torch.set_num_threads(arguments.threads)
    rows = [
        row for hidden, sentences in TAGGERS for row in measure(arguments, hidden=hidden, sentences=sentences)
    ]
    write_json(arguments.json, rows)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("corpus", help="column file with tags")
    parser.add_argument("--vectors", help="word vectors in text format")
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100, help="training steps per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, *, hidden: int, sentences: int) -> list[dict[str, Any]]:
    """Time one tagger, print its table and return its rows."""
    tree = {
        "data": {"train": arguments.corpus},
        "embeddings": {"words": {"vectors": arguments.vectors}},
        "encoder": {"cell": arguments.cell, "hidden": hidden},
        "training": {"batch_sentences": sentences, "epochs": 1000},
    }
    setup = prepare_training(parse_config(tree), device=torch.device("cpu"))
    trainer = make_trainer(setup)
    speed, batches = _training_speed(trainer, arguments)
    parts = _parts(trainer, batches)
    predicted = median(_prediction_speed(setup) for _ in range(3))
    settings = {"cell": arguments.cell, "hidden": hidden, "batch": sentences, "threads": arguments.threads}
    print(
        f"\n{arguments.cell}, {hidden} units per direction, batch {sentences}, {arguments.threads} thread(s)"
    )
    print(f"  training    {speed:10,.0f} tokens/s")
    print(f"  prediction  {predicted:10,.0f} tokens/s")
    tokens = float(np.mean([batch.tokens for batch in batches]))
    whole = 1000 * tokens / speed
    parts["rest"] = whole - sum(parts.values())
    for name, milliseconds in parts.items():
        print(f"  {name:12}{milliseconds:8.2f} ms per step {milliseconds / whole:7.1%}")
    print(f"  {'whole':12}{whole:8.2f} ms per step ({tokens:.0f} tokens)")
    return [
        {**settings, "mode": "train", "tokens_per_second": speed, "ms": {**parts, "whole": whole}},
        {**settings, "mode": "predict", "tokens_per_second": predicted},
    ]


def _training_speed(trainer: Trainer, arguments: argparse.Namespace) -> tuple[float, list[Batch[Tensor]]]:
    """Return the median tokens/s over rounds of whole steps, and the batches of one such round."""
    events = (event for event in trainer.fit() if isinstance(event, Step))
    for _ in range(20):
        next(events)
    speeds = []
    for _ in range(arguments.rounds):
        tokens, started = 0, time.perf_counter()
        for _ in range(arguments.steps):
            tokens += next(events).tokens
        speeds.append(tokens / (time.perf_counter() - started))
    order = trainer.epoch_batches(0)[: arguments.steps]
    return median(speeds), [trainer.encoded.batch(rows).to("cpu") for rows in order]


def _parts(trainer: Trainer, batches: list[Batch[Tensor]]) -> dict[str, float]:
    """Return the milliseconds per step of each part alone, over the batches."""
    tagger = trainer.tagger.train()
    order = trainer.epoch_batches(0)[: len(batches)]
    with torch.no_grad():
        inputs = [tagger.features(batch)[batch.forms] for batch in batches]
        outputs = [tagger.encoder(x, batch.lengths)[0] for x, batch in zip(inputs, batches, strict=True)]
        emissions = [tagger.emission(x) for x in outputs]

    def recurrence(i: int) -> None:
        x = inputs[i].requires_grad_()
        output, _ = tagger.encoder(x, batches[i].lengths)
        output.backward(outputs[i])

    def crf(i: int) -> None:
        tags = batches[i].tags
        assert tags is not None
        tagger.head.loss(emissions[i].requires_grad_(), tags, batches[i].lengths).backward()

    def characters(i: int) -> None:
        assert tagger.characters is not None
        tagger.characters(batches[i].characters).sum().backward()

    def words(i: int) -> None:
        tagger.words(batches[i].words).sum().backward()

    def optimiser(_: int) -> None:
        trainer._clip_gradients()
        trainer.optimizer.step()
        if trainer.average is not None:
            trainer.average.update(1000)

    def data(i: int) -> None:
        trainer.encoded.batch(order[i])

    parts: dict[str, Callable[[int], None]] = {
        "data": data,
        "characters": characters,
        "words": words,
        "recurrence": recurrence,
        "CRF": crf,
        "optimiser": optimiser,
    }
    return {name: _milliseconds(part, len(batches)) for name, part in parts.items()}


def _milliseconds(part: Callable[[int], None], steps: int) -> float:
    def all_steps() -> None:
        for i in range(steps):
            part(i)

    return median(call_times({"part": all_steps}, range(3))["part"]) / steps


def _prediction_speed(setup: TrainingSetup) -> float:
    """Return the tokens/s from words to entities with probabilities, with nothing cached."""
    sentences, _ = setup.corpus.train.sentences()
    decoder = fresh_decoder(setup.tagger, setup.vocabulary)
    return int(setup.corpus.train.lengths.sum()) / seconds(lambda: decoder.scored_spans(sentences))


if __name__ == "__main__":
    main()
