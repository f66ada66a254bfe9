r"""Measure what active learning saves: F1 over the number of annotated sentences, with a simulated annotator.

    python scripts/simulate_annotation.py --wnut17 DIR --wikigold FILE --vectors glove.6B.100d.txt \
        --json curves.json --picture docs/images/active-learning.png
    python scripts/simulate_annotation.py --draw curves.json --picture docs/images/active-learning.png

The pool is a corpus whose annotation is hidden. The simulated annotator starts with 50 random sentences. In
each round, a model is trained from scratch on what is annotated so far, scored on the test corpus, and ranks
the rest of the pool; the annotator adds the first sentences of that order (`uncertain`) or random ones
(`random`). Each seed draws other first sentences and other weights; both orders share them.

W-NUT 2017: the pool is train.conll, the test corpus test.conll (or dev.conll: `--wnut17-test dev`). WikiGold
has no test part: each seed holds out a third of its documents. Each sentence is a separate text, so models
see no documents. Without `--vectors`, models learn word vectors from the annotated sentences alone.

The model is small and quickly trained: a BiLSTM with 64 units per direction, 15 epochs, at least 500 steps.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
import torch
from common import argument_parser, log, markdown_table, run_script, write_json

from rnner.active_learning.ranking import random_order, uncertain_first
from rnner.active_learning.uncertainty import uncertain_names
from rnner.config import Config, parse_config
from rnner.data.corpus import Corpus, read_split
from rnner.data.splits import Split
from rnner.data.vectors import Vectors, read_vectors
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.nn.cells import cell_names
from rnner.pipeline import Pipeline
from rnner.render.plotting import COLOURS, DPI, STYLE
from rnner.scoring.metrics import score
from rnner.training.progress import DevResult
from rnner.training.setup import TrainingData, prepare_training
from rnner.training.trainer import Trainer
from rnner.workbench.partition import partition

ROUNDS = {"uncertain": (50, 100, 200, 300, 400, 600), "random": (50, 100, 200, 400, 600, 1000)}  # sentences
_BATCH, _EPOCHS, _STEPS = 8, 15, 500
_NO_DEV = DevResult(score([[]], [[]], [1]), 0.0)  # all epochs are trained


class Task(NamedTuple):
    """A corpus to annotate, and one to score on."""

    corpus: str
    pool: Split
    test: Split


class Point(NamedTuple):
    """A round: annotated sentences, words and entities, and F1 on the test corpus."""

    sentences: int
    words: int
    entities: int
    f1: float


def main() -> None:
    arguments = _arguments()
    if arguments.draw:
        curves = json.loads(arguments.draw.read_text(encoding="utf-8"))
    else:
        torch.set_num_threads(1)
        curves = []
        for curve in _measure(arguments):
            curves.append(curve)
            write_json(arguments.json, curves)
    print(markdown_table(_rows(curves)))
    for line in _savings(curves):
        print(line)
    if arguments.picture:
        draw(curves, arguments.picture)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--wnut17", type=Path, metavar="DIR", help="folder with train.conll and test.conll")
    parser.add_argument("--wnut17-test", choices=("dev", "test"), default="test")
    parser.add_argument("--wikigold", type=Path, metavar="FILE")
    parser.add_argument("--vectors", type=Path, metavar="FILE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--orders", nargs="+", choices=tuple(ROUNDS), default=list(ROUNDS))
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--draw", type=Path, metavar="JSON", help="draw these figures; measure nothing")
    parser.add_argument("--picture", type=Path, metavar="PNG")
    return parser.parse_args()


# --- measurement -------------------------------------------------------------------------------------------


def _measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    vectors = None if arguments.vectors is None else read_vectors(arguments.vectors)
    for seed in range(1, arguments.seeds + 1):
        for task in _tasks(arguments, seed):
            own = None if vectors is None else _for_corpus(vectors, task)
            for order in arguments.orders:
                started = time.process_time()
                points = list(annotate(task, order, seed, own))
                yield {"corpus": task.corpus, "order": order, "seed": seed, "points": points}
                seconds = time.process_time() - started
                log(f"{task.corpus}, {order}, seed {seed}: F1 {points[-1].f1:.3f}, {seconds:,.0f} s")


def _tasks(arguments: argparse.Namespace, seed: int) -> Iterator[Task]:
    if arguments.wnut17:
        pool, test = (_read(arguments.wnut17 / f"{it}.conll") for it in ("train", arguments.wnut17_test))
        yield Task("W-NUT 2017", pool, test)
    if arguments.wikigold:
        whole = read_split(arguments.wikigold, scheme="bioes")
        pool, test = partition(whole, [2 / 3, 1 / 3], seed=seed).parts
        alone = _without_documents(whole)
        yield Task("WikiGold", alone.select(pool), alone.select(test))


def _read(path: Path) -> Split:
    return _without_documents(read_split(path, scheme="bioes"))


def _without_documents(split: Split) -> Split:
    return replace(split, table=replace(split.table, documents=np.full(len(split.table), -1)))


def _for_corpus(vectors: Vectors, task: Task) -> Vectors:
    """Return the vectors of the words that occur; the others would only make trainings slower."""
    words = {
        form for split in (task.pool, task.test) for word in split.counts for form in (word, word.lower())
    }
    rows = [row for row, word in enumerate(vectors.words) if word in words]
    return Vectors([vectors.words[row] for row in rows], vectors.matrix[rows])


def annotate(task: Task, order: str, seed: int, vectors: Vectors | None) -> Iterator[Point]:
    """Annotate the pool in rounds; train on what is annotated, and yield a point for each round."""
    pool = task.pool
    chosen = random_order(len(pool), seed)[: ROUNDS[order][0]]
    pipeline: Pipeline | None = None
    for round_, size in enumerate(ROUNDS[order]):
        if size > len(chosen):
            rest = np.setdiff1d(np.arange(len(pool)), chosen)
            wanted = size - len(chosen)
            if order == "random" or pipeline is None:
                first = random_order(len(rest), 1000 * seed + round_)[:wanted]
            else:
                first = rank(pipeline, pool.sentences(rest)[0], wanted)
            chosen += rest[first].tolist()
        annotated = pool.select(chosen)
        pipeline = train(annotated, vectors, seed)
        found = pipeline.decoder.spans(task.test.sentences()[0])
        f1 = score(list(task.test.all_spans()), found, task.test.lengths.tolist()).f1
        yield Point(size, int(annotated.lengths.sum()), sum(map(len, annotated.all_spans())), f1)


def rank(pipeline: Pipeline, sentences: Sequence[list[str]], wanted: int) -> list[int]:
    """Return the numbers of the sentences to annotate next."""
    documents = pipeline.tag_documents(sentences)
    names = uncertain_names(documents, [pipeline])
    order = uncertain_first([document.text for document in documents], names, list(map(len, sentences)))
    return list(islice(order, wanted))


def train(split: Split, vectors: Vectors | None, seed: int) -> Pipeline:
    """Train a model from scratch on these sentences."""
    data = TrainingData(Corpus(split, split, None, held_out=True), vectors)
    setup = prepare_training(_config(len(split), vectors, seed), device=torch.device("cpu"), data=data)
    trainer = Trainer(setup.tagger, setup.vocabulary, split, setup.config.training, lambda: _NO_DEV)
    for _ in trainer.fit():
        pass
    with trainer.averaged():
        tagger = copy.deepcopy(setup.tagger)
    return Pipeline(TaggerDecoder(tagger, setup.vocabulary, final=True))


def _config(sentences: int, vectors: Vectors | None, seed: int) -> Config:
    words = {"size": 50} if vectors is None else {"vectors": "given", "min_count": 2}
    epochs = max(_EPOCHS, math.ceil(_STEPS / math.ceil(sentences / _BATCH)))
    tree = {
        "data": {"train": "given"},
        "embeddings": {
            "words": words,
            "characters": {"encoder": "cnn", "hidden": 50},
            "casing": 10,
            "lexicon": True,
        },
        "encoder": {"cell": "lstm", "hidden": 64},
        "dropout": {"words": 0.05, "input": 0.5, "output": 0.5},
        "head": "crf",
        "training": {
            "epochs": epochs,
            "batch_sentences": _BATCH,
            "learning_rate": 0.003,
            "average": 0.99,
            "seed": seed,
        },
    }
    return parse_config(tree, [], cells=cell_names())


# --- results -----------------------------------------------------------------------------------------------


def _rows(curves: Sequence[dict[str, Any]]) -> Iterator[Sequence[object]]:
    """Yield a table of means over seeds: F1 in per cent, and words and entities per round."""
    yield ["corpus", "order", "sentences", "words", "entities", "F1", "seeds"]
    for corpus, order in sorted({(it["corpus"], it["order"]) for it in curves}):
        own = [it["points"] for it in curves if (it["corpus"], it["order"]) == (corpus, order)]
        for points in ([Point(*it) for it in row] for row in zip(*own, strict=True)):
            words, entities, f1 = (mean(values) for values in list(zip(*points, strict=True))[1:])
            each = ", ".join(f"{100 * point.f1:.1f}" for point in points)
            sentences = f"{points[0].sentences:,}"
            yield [corpus, order, sentences, f"{words:,.0f}", f"{entities:,.0f}", f"{100 * f1:.1f}", each]


def _savings(curves: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield how much of the pool `uncertain` needs for the last F1 of `random`, between rounds by a line."""
    for corpus in sorted({it["corpus"] for it in curves}):
        mean_of = {
            order: np.mean(
                [it["points"] for it in curves if (it["corpus"], it["order"]) == (corpus, order)], 0
            )
            for order in ROUNDS
        }
        sentences, words, _, goal = mean_of["random"][-1]
        reached = np.maximum.accumulate(mean_of["uncertain"][:, 3])
        if goal > reached[-1]:
            yield f"{corpus}: uncertain does not reach F1 {100 * goal:.1f}, that of all random sentences"
            continue
        need = [np.interp(goal, reached, mean_of["uncertain"][:, column]) for column in (0, 1)]
        yield (
            f"{corpus}: F1 {100 * goal:.1f} takes {sentences:,.0f} random sentences ({words:,.0f} words) or "
            f"{need[0]:,.0f} uncertain ones ({need[1]:,.0f} words)"
        )


def draw(curves: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw F1 over annotated sentences: the mean of each order, in a band from lowest to highest seed."""
    import matplotlib
    from matplotlib.figure import Figure

    corpora = sorted({it["corpus"] for it in curves})
    with matplotlib.rc_context(STYLE | {"legend.frameon": False, "grid.alpha": 0.25}):
        figure = Figure(figsize=(4 * len(corpora), 3.4), layout="constrained")
        figure.suptitle("Accuracy after annotating the most uncertain or random sentences", fontsize=10)
        for axes, corpus in zip(figure.subplots(1, len(corpora), squeeze=False)[0], corpora, strict=True):
            for order, colour, title in (
                ("uncertain", COLOURS[0], "uncertain first"),
                ("random", COLOURS[5], "random order"),
            ):
                own = [it["points"] for it in curves if (it["corpus"], it["order"]) == (corpus, order)]
                sizes = [point[0] for point in own[0]]
                values = 100 * np.array([[point[3] for point in points] for points in own])
                axes.plot(sizes, values.mean(0), color=colour, marker=".", label=title)
                axes.fill_between(sizes, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
                if order == "random":
                    axes.axhline(values.mean(0)[-1], color=colour, linestyle=":", linewidth=1)
            axes.set_title(corpus)
            axes.set_xlabel("annotated sentences")
            axes.set_ylabel("F1 on the test corpus, per cent")
            axes.set_xlim(0, max(ROUNDS["random"]))
            axes.set_ylim(0)
            axes.legend(loc="lower right")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DPI)


if __name__ == "__main__":
    sys.exit(run_script(main))
