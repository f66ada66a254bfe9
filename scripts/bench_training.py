"""Tokens a second of the tagger, in training and in prediction, and where the time goes.

    python scripts/bench_training.py CORPUS.conll [--vectors glove.6B.100d.txt] [--threads 1] [--json F]

Two taggers, each with a character CNN, casing and a CRF: 100 units a direction with batches of 10 sentences,
and 200 with batches of 32. Training: whole steps over random batches, as `rnner train` does them. The parts
are then timed alone, forward and backward, on the same batches; what their sum lacks of the whole step is
under "rest". Prediction: from lists of words to entities with their probabilities, each sentence once, with
a vocabulary that has cached nothing. Medians of rounds; run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnner.config import parse_config
from rnner.data.batches import Batch
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.scoring.evaluation import evaluate
from rnner.system.process_memory import keep_freed_memory
from rnner.training.progress import Step
from rnner.training.setup import TrainingSetup, prepare
from rnner.training.trainer import Trainer

TAGGERS = [(100, 10), (200, 32)]  # units a direction, sentences a batch


def main() -> None:
    arguments = _arguments()
    keep_freed_memory()  # as `rnner train` does
    torch.set_num_threads(arguments.threads)
    rows = [
        row for hidden, sentences in TAGGERS for row in measure(arguments, hidden=hidden, sentences=sentences)
    ]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="column file with tags")
    parser.add_argument("--vectors", help="word vectors as text")
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100, help="training steps a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, *, hidden: int, sentences: int) -> list[dict[str, Any]]:
    """Time one tagger, print its table, return its rows."""
    tree = {
        "data": {"train": arguments.corpus},
        "embeddings": {"words": {"vectors": arguments.vectors}},
        "encoder": {"cell": arguments.cell, "hidden": hidden},
        "training": {"batch_sentences": sentences, "epochs": 1000},
    }
    job = prepare(parse_config(tree), device=torch.device("cpu"))
    trainer = Trainer(
        job.tagger,
        job.vocabulary,
        job.corpus.train,
        job.config.training,
        lambda: evaluate(TaggerDecoder(job.tagger, job.vocabulary), job.corpus.dev),
    )
    speed, batches = _training_speed(trainer, arguments)
    parts = _parts(trainer, batches)
    predicted = median(_prediction_speed(job) for _ in range(3))
    about = {"cell": arguments.cell, "hidden": hidden, "batch": sentences, "threads": arguments.threads}
    print(f"\n{arguments.cell}, {hidden} a direction, batch {sentences}, {arguments.threads} thread(s)")
    print(f"  training    {speed:10,.0f} tokens/s")
    print(f"  prediction  {predicted:10,.0f} tokens/s")
    tokens = float(np.mean([batch.tokens for batch in batches]))
    whole = 1000 * tokens / speed
    parts["rest"] = whole - sum(parts.values())
    for name, milliseconds in parts.items():
        print(f"  {name:12}{milliseconds:8.2f} ms a step {milliseconds / whole:7.1%}")
    print(f"  {'whole':12}{whole:8.2f} ms a step ({tokens:.0f} tokens)")
    return [
        {**about, "mode": "train", "tokens_per_second": speed, "ms": {**parts, "whole": whole}},
        {**about, "mode": "predict", "tokens_per_second": predicted},
    ]


def _training_speed(trainer: Trainer, arguments: argparse.Namespace) -> tuple[float, list[Batch[Tensor]]]:
    """Median tokens/s over rounds of whole steps, and as many batches like theirs."""
    events = (event for event in trainer.fit() if isinstance(event, Step))
    for _ in range(20):
        next(events)
    speeds = []
    for _ in range(arguments.rounds):
        tokens, started = 0, time.perf_counter()
        for _ in range(arguments.steps):
            tokens += next(events).tokens
        speeds.append(tokens / (time.perf_counter() - started))
    order = trainer._order(0)[: arguments.steps]
    return median(speeds), [trainer.encoded.batch(rows).to("cpu") for rows in order]


def _parts(trainer: Trainer, batches: list[Batch[Tensor]]) -> dict[str, float]:
    """Milliseconds a step of each part alone, over the batches."""
    tagger = trainer.tagger.train()
    order = trainer._order(0)[: len(batches)]
    with torch.no_grad():
        inputs = [_put(tagger.features(batch), batch) for batch in batches]
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
        trainer._clip()
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


def _put(features: Tensor, batch: Batch[Tensor]) -> Tensor:
    return features[batch.forms]


def _milliseconds(part: Callable[[int], None], steps: int) -> float:
    rounds = []
    for _ in range(3):
        started = time.perf_counter()
        for i in range(steps):
            part(i)
        rounds.append(1000 * (time.perf_counter() - started) / steps)
    return median(rounds)


def _prediction_speed(job: TrainingSetup) -> float:
    """Tokens/s from words to scored entities, nothing cached before."""
    sentences, _ = job.corpus.train.sentences()
    vocabulary = Vocabulary.from_json(job.vocabulary.to_json())
    decoder = TaggerDecoder(job.tagger, vocabulary)
    decoder.spans([["warm", "up"]])
    started = time.perf_counter()
    decoder.scored_spans(sentences)
    return int(job.corpus.train.lengths.sum()) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
