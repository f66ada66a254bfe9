"""All that a training run needs: corpora read, vocabulary made, tagger built."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rnner.config import Config, WordsConfig, differences
from rnner.data import subwords
from rnner.data.corpus import Corpus, load_corpus, resolve
from rnner.data.lexicon import Lexicon
from rnner.data.splits import Split
from rnner.data.vectors import Coverage, Vectors, coverage, read_vectors
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ConfigError
from rnner.model.build import build_tagger, set_rows, to_rows, transplant
from rnner.model.folder import LoadedModel
from rnner.model.tagger import Tagger
from rnner.nn.embeddings import FrozenVectors
from rnner.scoring.evaluation import evaluate
from rnner.system.process_memory import peak_memory_mb
from rnner.tags import tag_inventory
from rnner.training.trainer import Trainer


@dataclass(frozen=True)
class TrainingData:
    """What a config's files hold; the same for every seed if `data.split_seed` is."""

    corpus: Corpus
    vectors: Vectors | None = None
    n_grams: tuple[list[str], Tensor] | None = None  # what other words are composed of: `subwords.learn`
    coverage: Coverage | None = None


@dataclass
class TrainingSetup:
    """All that a run needs, read and built."""

    config: Config  # resolved: the word vectors' size is in it
    corpus: Corpus
    vocabulary: Vocabulary
    tagger: Tagger
    device: torch.device
    fingerprint: str  # of what the run depends on besides its config
    coverage: Coverage | None = None
    notices: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_sources(config: Config, folders: Sequence[Path] = (), *, vectors: bool = True) -> TrainingData:
    """Read the corpora of a config, and its word vectors unless they are not asked for.

    Raises:
        DataError, ConfigError: with what is wrong and where.
    """
    corpus, words = _read_corpus(config, folders), config.embeddings.words
    if not vectors or words.vectors is None:
        return TrainingData(corpus)
    read, covered = _read_vectors(words.vectors, words, corpus.train, folders)
    n_grams = subwords.learn(read.words, read.matrix, words.n_grams) if words.compose else None
    return TrainingData(corpus, read, n_grams, covered)


def prepare(
    config: Config,
    *,
    folders: Sequence[Path] = (),
    device: torch.device,
    init_from: LoadedModel | None = None,
    sources: TrainingData | None = None,
) -> TrainingSetup:
    """Read the corpora and vectors of a config, and build its vocabulary and tagger.

    Args:
        config: checked.
        folders: where relative paths are looked up after the working directory.
        device: where the tagger goes.
        init_from: the model to go on from; its vectors, words and tags are kept, new ones join them.
        sources: from `read_sources` of this config, if they are read already.

    Raises:
        DataError, ConfigError: with what is wrong and where.
    """
    if config.training.precision != "float32" and device.type != "cuda":
        precision = config.training.precision
        raise ConfigError([f"training.precision: {precision} needs CUDA, and this runs on the {device.type}"])
    sources = sources or read_sources(config, folders, vectors=init_from is None)
    torch.manual_seed(config.training.seed)
    if init_from is not None:
        return _continued(config, sources.corpus, device, init_from)
    return _fresh(config, sources, device)


def _read_corpus(config: Config, folders: Sequence[Path]) -> Corpus:
    data = config.data
    return load_corpus(
        train=data.train,
        dev=data.dev,
        test=data.test,
        columns=data.columns.model_dump() if data.columns else None,
        scheme=data.scheme,
        illegal=data.illegal_tags,
        seed=config.training.seed if data.split_seed is None else data.split_seed,
        folders=folders,
    )


def _fresh(config: Config, sources: TrainingData, device: torch.device) -> TrainingSetup:
    """The job of a model that knows nothing yet but its vectors."""
    corpus, vectors = sources.corpus, sources.vectors
    words, notices = config.embeddings.words, list(corpus.notes)
    if vectors is not None:
        if "size" in words.model_fields_set and words.size != vectors.dimension:
            told = f"{words.vectors} has vectors of {vectors.dimension}"
            notices.append(f"embeddings.words.size is {words.size}, but {told}: the file decides")
        config = with_word_size(config, vectors.dimension)
    labels, scheme = corpus.train.labels, config.data.scheme
    vocabulary = Vocabulary.build(
        corpus.train.counts,
        labels=labels,
        scheme=scheme,
        tags=tag_inventory(labels, scheme),
        vectors=vectors,
        min_count=words.min_count,
        tune=words.tune,
        n_grams=sources.n_grams[0] if sources.n_grams is not None else None,
    )
    if config.embeddings.lexicon:
        vocabulary = replace(vocabulary, lexicon=Lexicon.learn(corpus.train, vocabulary.labels))
    tagger = build_tagger(config, vocabulary, _frozen(vocabulary, sources, words.precision))
    if vectors is not None and words.tune:
        set_rows(tagger, *vocabulary.initial_rows(vectors))
    return _job(config, corpus, vocabulary, tagger.to(device), notices, sources.coverage)


def _job(
    config: Config,
    corpus: Corpus,
    vocabulary: Vocabulary,
    tagger: Tagger,
    notices: list[str],
    covered: Coverage | None = None,
) -> TrainingSetup:
    return TrainingSetup(
        config=config,
        corpus=corpus,
        vocabulary=vocabulary,
        tagger=tagger,
        device=tagger.emission.weight.device,
        fingerprint=_fingerprint(corpus, vocabulary, tagger),
        coverage=covered,
        notices=notices,
        warnings=corpus.warnings,
    )


def _frozen(vocabulary: Vocabulary, sources: TrainingData, precision: str) -> FrozenVectors | None:
    """The m rows that training leaves as they are: words, then n-grams; None if there are none."""
    if sources.vectors is None or vocabulary.rows == len(vocabulary.words):
        return None
    rows = torch.from_numpy(vocabulary.frozen_rows(sources.vectors))
    if sources.n_grams is not None:
        rows = torch.cat([rows, sources.n_grams[1]])
    # The rounding is far below what training adds as noise.
    return to_rows(rows, precision)


def _continued(config: Config, corpus: Corpus, device: torch.device, old: LoadedModel) -> TrainingSetup:
    """The job of going on from a model: its architecture, its vocabulary and more."""
    brought = config.embeddings.words.vectors is not None
    if brought:
        config = with_word_size(config, old.config.embeddings.words.size)
    kept = (
        "embeddings.words.size",
        "embeddings.c",
        "embeddings.document",
        "embeddings.lexicon",
        "encoder.",
        "head",
        "data.scheme",
    )
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
        corpus.train.counts, labels=corpus.train.labels, min_count=config.embeddings.words.min_count
    )
    if old.vocabulary.lexicon is not None:
        learnt = Lexicon.learn(corpus.train, vocabulary.labels)
        vocabulary = replace(vocabulary, lexicon=old.vocabulary.lexicon.merged(learnt))
    tagger = build_tagger(config, vocabulary, old.tagger.words.frozen)
    transplant(old.tagger.cpu(), old.vocabulary, tagger, vocabulary)
    new = sorted(set(vocabulary.labels) - set(old.vocabulary.labels))
    notices = [
        *corpus.notes,
        f"goes on from {old.folder}" + (f"; new labels: {', '.join(new)}" if new else ""),
    ]
    if brought:
        notices.append("embeddings.words.vectors is not read: the model brings its own vectors")
    return _job(config, corpus, vocabulary, tagger.to(device), notices)


def with_word_size(config: Config, size: int) -> Config:
    """The config with the size that word vectors really have."""
    words = config.embeddings.words.model_copy(update={"size": size})
    embeddings = config.embeddings.model_copy(update={"words": words})
    return config.model_copy(update={"embeddings": embeddings})


def _read_vectors(
    path: str, words: WordsConfig, train: Split, folders: Sequence[Path]
) -> tuple[Vectors, Coverage]:
    vectors = read_vectors(resolve(path, folders), limit=words.limit)
    found = coverage(train.counts, vectors)
    found.check(words.min_coverage)
    return vectors, found


def _fingerprint(corpus: Corpus, vocabulary: Vocabulary, tagger: Tagger) -> str:
    """A digest of the data, the vocabulary and the frozen vectors."""
    digest = hashlib.blake2b(digest_size=16)
    for split in (corpus.train, corpus.dev, corpus.test):
        if split is not None:
            digest.update(split.digest.encode())
    digest.update(json.dumps(vocabulary.to_json()).encode())
    if tagger.words.vectors is not None:
        # Without the rows of n-grams: they follow from the others, but not to the last bit on every CPU.
        words = tagger.words.vectors[: len(vocabulary.vector_words)]
        digest.update(words.cpu().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Trial:
    """What one training step on the longest sentence took."""

    sentences: int
    longest: int  # tokens
    loss: float
    parameters: int  # trained ones
    peak_memory_mb: float | None


def try_longest(job: TrainingSetup) -> Trial:
    """One forward and backward pass over the batch that holds the longest training sentence."""
    plan = job.config.training
    lengths = job.corpus.train.lengths
    trainer = trainer_of(job)
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


def trainer_of(job: TrainingSetup) -> Trainer:
    """What trains the job's tagger, at its beginning."""
    decoder = TaggerDecoder(job.tagger, job.vocabulary)
    return Trainer(
        job.tagger,
        job.vocabulary,
        job.corpus.train,
        job.config.training,
        lambda: evaluate(decoder, job.corpus.dev),
    )
