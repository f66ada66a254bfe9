"""A training run: from a config to a finished model folder, whatever interrupts it on the way."""

from __future__ import annotations

import hashlib
import json
import platform
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnner import __version__, bundle
from rnner.build import build_tagger, set_rows, transplant
from rnner.bundle import Bundle, load_bundle
from rnner.card import model_card
from rnner.checkpoint import (
    has_checkpoint,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
    write_atomically,
)
from rnner.config import Config, differences, load_config
from rnner.data.corpus import Corpus, Split, load_corpus, resolve
from rnner.data.vectors import Coverage, Vectors, coverage, read_vectors
from rnner.data.vocabulary import Vocabulary
from rnner.decoding import Decoder
from rnner.errors import ConfigError, ModelError, RnnerError, TrainingError, UsageError
from rnner.evaluation import evaluate
from rnner.tagger import Tagger
from rnner.tags import tag_inventory
from rnner.training import Epoch, Position, Step, Trainer


class InterruptedRun(RnnerError):  # noqa: N818 - nothing went wrong
    """The user stopped a run; it was saved."""

    exit_code = 130


@dataclass
class Job:
    """All that a run needs, read and built."""

    config: Config  # resolved: the word vectors' size is in it
    corpus: Corpus
    vocabulary: Vocabulary
    tagger: Tagger
    device: torch.device
    fingerprint: str  # of what the run depends on besides its config
    coverage: Coverage | None = None
    notices: list[str] = field(default_factory=list)


def prepare(
    config: Config, *, folders: Sequence[Path] = (), device: torch.device, init_from: Bundle | None = None
) -> Job:
    """Read the corpora and vectors of a config, and build its vocabulary and tagger.

    Args:
        config: checked.
        folders: where relative paths are looked up after the working directory.
        device: where the tagger goes.
        init_from: the model to go on from; its vectors, words and tags are kept, new ones join them.

    Raises:
        DataError, ConfigError: with what is wrong and where.
    """
    if config.training.precision != "float32" and device.type != "cuda":
        precision = config.training.precision
        raise ConfigError([f"training.precision: {precision} needs CUDA, and this runs on the {device.type}"])
    data = config.data
    corpus = load_corpus(
        train=data.train,
        dev=data.dev,
        test=data.test,
        columns=data.columns.model_dump() if data.columns else None,
        scheme=data.scheme,
        illegal=data.illegal_tags,
        seed=config.training.seed,
        folders=folders,
    )
    torch.manual_seed(config.training.seed)
    if init_from is not None:
        return _continued(config, corpus, device, init_from)
    vectors, covered = _read_vectors(config, corpus.train, folders)
    words = config.embeddings.words
    if vectors is not None:
        config = _with_word_size(config, vectors.dimension)
    labels = corpus.train.labels
    vocabulary = Vocabulary.build(
        corpus.train.sentences()[0],
        labels=labels,
        scheme=data.scheme,
        tags=tag_inventory(labels, data.scheme),
        vectors=vectors,
        min_count=words.min_count,
        tune=words.tune,
    )
    tagger = build_tagger(config, vocabulary, _frozen(vocabulary, vectors))
    if vectors is not None and words.tune:
        set_rows(tagger, *vocabulary.initial_rows(vectors))
    return Job(
        config=config,
        corpus=corpus,
        vocabulary=vocabulary,
        tagger=tagger.to(device),
        device=device,
        fingerprint=_fingerprint(corpus, vocabulary, tagger),
        coverage=covered,
        notices=corpus.notes,
    )


def _frozen(vocabulary: Vocabulary, vectors: Vectors | None) -> Tensor | None:
    """The vectors that training leaves as they are, `[m, size]`; None if there are none."""
    if vectors is None or not vocabulary.vector_words:
        return None
    rows = vocabulary.frozen_rows(vectors)
    # Half precision halves the model's folder; the rounding is far below what training adds as noise.
    half = rows.half()
    return half if bool(half.isfinite().all()) else rows  # above 65504 there is no half


def _continued(config: Config, corpus: Corpus, device: torch.device, old: Bundle) -> Job:
    """The job of going on from a model: its architecture, its vocabulary and more."""
    if config.embeddings.words.vectors is not None:
        raise ConfigError(
            ["embeddings.words.vectors: must be null with --init-from, the model brings its vectors"]
        )
    kept = ("embeddings.words.size", "embeddings.c", "encoder.", "head", "data.scheme")
    unlike = [
        line
        for line in differences(config, old.config)
        if line.startswith(kept) and not line.startswith("encoder.path")
    ]
    if unlike:
        raise ConfigError(
            [f"{line} (config / model): must be as in the model with --init-from" for line in unlike]
        )
    vocabulary = old.vocabulary.grow(
        corpus.train.sentences()[0], labels=corpus.train.labels, min_count=config.embeddings.words.min_count
    )
    tagger = build_tagger(config, vocabulary, old.tagger.words.vectors)
    transplant(old.tagger.cpu(), old.vocabulary, tagger, vocabulary)
    new = sorted(set(vocabulary.labels) - set(old.vocabulary.labels))
    notices = [
        *corpus.notes,
        f"goes on from {old.folder}" + (f"; new labels: {', '.join(new)}" if new else ""),
    ]
    fingerprint = _fingerprint(corpus, vocabulary, tagger)
    return Job(config, corpus, vocabulary, tagger.to(device), device, fingerprint, None, notices)


def _with_word_size(config: Config, size: int) -> Config:
    words = config.embeddings.words.model_copy(update={"size": size})
    embeddings = config.embeddings.model_copy(update={"words": words})
    return config.model_copy(update={"embeddings": embeddings})


def _read_vectors(
    config: Config, train: Split, folders: Sequence[Path]
) -> tuple[Vectors | None, Coverage | None]:
    words = config.embeddings.words
    if words.vectors is None:
        return None, None
    path = resolve(words.vectors, folders)
    vectors = read_vectors(path, limit=words.limit)
    found = coverage(Counter(chain.from_iterable(train.sentences()[0])), vectors)
    found.check(words.min_coverage)
    return vectors, found


def _fingerprint(corpus: Corpus, vocabulary: Vocabulary, tagger: Tagger) -> str:
    """A digest of the data, the vocabulary and the frozen vectors."""
    digest = hashlib.blake2b(digest_size=16)
    for split in (corpus.train, corpus.dev, corpus.test):
        if split is not None:
            digest.update(json.dumps(split.sentences()).encode())
    digest.update(json.dumps(vocabulary.to_json()).encode())
    if tagger.words.vectors is not None:
        digest.update(tagger.words.vectors.cpu().numpy().tobytes())
    return digest.hexdigest()


# --- a trial ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """What one training step on the longest sentence took."""

    sentences: int
    longest: int  # tokens
    loss: float
    parameters: int  # trained ones
    peak_memory_mb: float


def try_longest(job: Job) -> Trial:
    """One forward and backward pass over the batch that holds the longest training sentence."""
    plan = job.config.training
    lengths = job.corpus.train.lengths
    trainer = _trainer(job)
    order = np.argsort(-lengths, kind="stable")
    longest = int(lengths[order[0]])
    fits = max(1, plan.batch_tokens // longest) if plan.batch_tokens else len(lengths)
    rows = order[: min(fits, plan.batch_sentences or fits)]
    loss = trainer.try_batch(rows)
    return Trial(
        sentences=len(rows),
        longest=longest,
        loss=loss,
        parameters=sum(p.numel() for p in trainer.parameters),
        peak_memory_mb=peak_memory_mb(job.device),
    )


def peak_memory_mb(device: torch.device) -> float:
    """The most memory this process has held (on CUDA: on the device), in MB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


# --- the run ---------------------------------------------------------------------------------------------


def check_output(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """See that nothing would be lost in `folder`. Changes nothing: `train` replaces what `overwrite` allows.

    Raises:
        UsageError: a run is there already and neither flag is given, or something else is there.
    """
    if resume and overwrite:
        raise UsageError("--resume and --overwrite exclude each other: go on, or start anew?")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --output takes a folder")
    there = {path.name for path in folder.iterdir()}
    # A config.yaml alone may well be the user's own, and so may a README.md; the vocabulary is ours.
    if there - {f"{bundle.VOCABULARY}.partial"} and bundle.VOCABULARY not in there:
        raise UsageError(f"{folder}: holds other things than a run; choose another --output")
    if there and not (resume or overwrite):
        raise UsageError(f"{folder}: holds a run already; --resume goes on with it, --overwrite replaces it")


def clear_output(folder: Path) -> None:
    """Remove the files of a run and nothing else; broken off, it leaves what `check_output` knows."""
    (folder / bundle.METRICS).unlink(missing_ok=True)  # first: without it the run is not finished
    remove_checkpoint(folder)
    for name in (bundle.CARD, bundle.WEIGHTS, bundle.LOG, bundle.METRICS, bundle.CONFIG, bundle.VOCABULARY):
        (folder / f"{name}.partial").unlink(missing_ok=True)
        (folder / name).unlink(missing_ok=True)


def finished(folder: Path) -> dict[str, Any] | None:
    """The figures of the run in a folder if it is finished, else None."""
    return bundle.load_metrics(folder) if folder.is_dir() else None


def check_same_config(folder: Path, config: Config) -> None:
    """See that a run goes on with the config it was begun with.

    Raises:
        UsageError: naming the keys that differ.
    """
    if not (has_checkpoint(folder) or (folder / bundle.METRICS).exists()):
        return
    begun = load_config(folder / bundle.CONFIG)
    if config.embeddings.words.vectors is not None:
        config = _with_word_size(config, begun.embeddings.words.size)
    unlike = differences(begun, config)
    if unlike:
        raise UsageError(
            f"{folder}: the run there has another config ({'; '.join(unlike)}: there / now); "
            "--overwrite starts anew, or choose another --output"
        )


def train(
    job: Job, folder: Path, *, resume: bool = False, stop: Callable[[], bool] = lambda: False
) -> Iterator[Step | Epoch]:
    """Train a job into a folder, telling of each step and epoch; afterwards the folder is a model.

    The best model on dev is on disk after each epoch, and so is a checkpoint. At the end the best model
    is loaded from disk again, scored, and described in `metrics.json` and `README.md`.

    Args:
        job: from `prepare`.
        folder: checked by `check_output`. The run that is there, if any, is replaced, unless `resume`.
        resume: go on from the checkpoint in the folder, if there is one; else start afresh.
        stop: asked after each step; when it says True, the run is saved and `InterruptedRun` raised.

    Raises:
        TrainingError: training diverged; the last good checkpoint stays.
        ModelError: the checkpoint in the folder is of another run, or broken.
        UsageError: it is of a run with another config.
        OSError: the folder cannot be written.
    """
    trainer = _trainer(job)
    if resume and has_checkpoint(folder):
        check_same_config(folder, job.config)
        load_checkpoint(folder, trainer, job.fingerprint)
    else:
        clear_output(folder)
        bundle.save_description(folder, job.config, job.vocabulary)
        save_checkpoint(folder, trainer, job.fingerprint)
    log = _kept_log(folder, trainer.position)
    saved = time.monotonic()
    try:
        for event in trainer.fit():
            if isinstance(event, Epoch):
                _keep(folder, trainer, event, log)
            if (
                isinstance(event, Epoch)
                or time.monotonic() - saved > 60 * job.config.training.checkpoint_minutes
            ):
                save_checkpoint(folder, trainer, job.fingerprint)
                saved = time.monotonic()
            yield event
            if stop():
                save_checkpoint(folder, trainer, job.fingerprint)
                raise InterruptedRun(
                    f"interrupted and saved in {folder}; the same command with --resume goes on"
                )
    except TrainingError as error:
        raise TrainingError(f"{error}. The last good checkpoint is kept in {folder / 'checkpoint'}") from None
    _finish(job, folder, trainer.position)


def _trainer(job: Job) -> Trainer:
    decoder = Decoder(job.tagger, job.vocabulary)
    return Trainer(
        job.tagger,
        job.vocabulary,
        job.corpus.train,
        job.config.training,
        lambda: evaluate(decoder, job.corpus.dev),
    )


def _keep(folder: Path, trainer: Trainer, epoch: Epoch, log: list[dict[str, Any]]) -> None:
    """After an epoch: the weights if they are the best so far, and a line in the log."""
    if epoch.best:
        with trainer.averaged():
            bundle.save_weights(folder, trainer.tagger)
    log.append(
        {
            "epoch": epoch.epoch,
            "loss": epoch.loss,
            "learning_rate": epoch.learning_rate,
            "gradient_norm": epoch.gradient_norm,
            "clipped": epoch.clipped,
            "tokens_per_second": epoch.tokens_per_second,
            "dev": {name: getattr(epoch.dev, name) for name in ("precision", "recall", "f1")},
            "best": epoch.best,
        }
    )
    write_atomically(folder / bundle.LOG, "".join(json.dumps(line) + "\n" for line in log))


def _kept_log(folder: Path, position: Position) -> list[dict[str, Any]]:
    """The log of the epochs that the checkpoint knows of."""
    path = folder / bundle.LOG
    if position.epoch == 0 or not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["epoch"] <= position.epoch]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is broken ({error}); remove it, and --resume goes on without it") from None


def _finish(job: Job, folder: Path, position: Position) -> None:
    """Score the best model as it lies on disk, and write down what it is."""
    best = load_bundle(folder, device=job.device)
    decoder = Decoder(best.tagger, best.vocabulary)
    metrics: dict[str, Any] = {"dev": evaluate(decoder, job.corpus.dev).to_dict()}
    if job.corpus.test is not None:
        metrics["test"] = evaluate(decoder, job.corpus.test).to_dict()
    metrics |= {
        "train": {
            "epochs": position.epoch,
            "best_epoch": position.best_epoch,
            "steps": position.step,
            "seconds": position.seconds + position.scoring_seconds,
            "tokens_per_second": position.tokens / position.seconds,
            "peak_memory_mb": peak_memory_mb(job.device),
            "sentences": len(job.corpus.train),
            "tokens": int(job.corpus.train.lengths.sum()),
            "parameters": sum(p.numel() for p in best.tagger.parameters()),
        },
        "scheme": job.config.data.scheme,
        "seed": job.config.training.seed,
        "device": job.device.type,
        "threads": torch.get_num_threads(),
        "versions": {
            "rnner": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    write_atomically(folder / bundle.CARD, model_card(job.config, job.vocabulary, metrics))
    bundle.save_metrics(folder, metrics)
    remove_checkpoint(folder)
