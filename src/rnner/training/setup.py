"""Turn a config into everything that a training run needs. Read this module first.

    config = load_config("my.yaml")
    setup = prepare_training(config, device=torch.device("cpu"))  # reads the files, builds the tagger
    for event in run_training(setup, Path("runs/my")):  # in `training.run`: trains, saves, resumes
        print(event)

`make_trainer(setup)` returns only the training loop (`training.trainer`), which writes no files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from rnner.config import Config, inherit_network
from rnner.data import subwords
from rnner.data.corpus import Corpus, load_corpus, resolve
from rnner.data.coverage import Coverage, measure_coverage
from rnner.data.lexicon import Lexicon
from rnner.data.splits import Split
from rnner.data.vectors import Vectors, read_vectors
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ConfigError, DataError
from rnner.model.build import build_tagger, compress_vectors
from rnner.model.folder import LoadedModel
from rnner.model.tagger import Tagger
from rnner.model.transfer import set_word_vectors, transfer_weights
from rnner.nn.embeddings import FrozenVectors
from rnner.scoring.evaluation import score_split
from rnner.text.tokenizer import find_tokenizer
from rnner.training.progress import DevResult
from rnner.training.trainer import Trainer


@dataclass(frozen=True)
class TrainingData:
    """Contents of a config's data files. All seeds of a run share them if `data.split_seed` is set."""

    corpus: Corpus
    vectors: Vectors | None = None
    n_grams: tuple[list[str], Tensor] | None = None  # for words without a vector (see `subwords.learn`)
    coverage: Coverage | None = None


@dataclass
class TrainingSetup:
    """Everything that a training run needs; made by `prepare_training`."""

    config: Config  # with the size of the word vectors filled in
    corpus: Corpus
    vocabulary: Vocabulary
    tagger: Tagger  # with initial weights, on its device
    notices: list[str]
    coverage: Coverage | None = None
    fingerprint: str = field(init=False)  # digest of the inputs of a run, except its config

    def __post_init__(self) -> None:
        digest = hashlib.blake2b(digest_size=16)
        for split in (self.corpus.train, self.corpus.dev, self.corpus.test):
            if split is not None:
                digest.update(split.digest.encode())
        digest.update(json.dumps(self.vocabulary.to_json()).encode())
        if self.tagger.words.vectors is not None:
            # The rows of n-grams are left out: they follow from these, but their last bits vary between CPUs.
            words = self.tagger.words.vectors[: len(self.vocabulary.vector_words)]
            digest.update(words.cpu().numpy().tobytes())
        self.fingerprint = digest.hexdigest()

    @property
    def device(self) -> torch.device:
        """The device of the tagger."""
        return self.tagger.emission.weight.device


def prepare_training(
    config: Config,
    *,
    folders: Sequence[Path] = (),
    device: torch.device,
    init_from: LoadedModel | None = None,
    data: TrainingData | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingSetup:
    """Read the files that a config names, and build the vocabulary and the tagger.

    Args:
        config: a checked config.
        folders: where to look up relative paths after the working directory.
        device: the device to train on.
        init_from: a model to continue from. Its network, vectors, words and tags are kept; new words and tags
            are added. See `inherit_network`.
        data: the result of `read_training_data`, to avoid reading the files again.
        progress: called while word vectors are read; see `read_vectors`.

    Raises:
        DataError, UsageError: a file or a setting is wrong; the message names it.
    """
    if config.training.precision != "float32" and device.type != "cuda":
        precision = config.training.precision
        raise ConfigError(
            [f"training.precision: {precision} needs CUDA, but the device is {device.type}; use float32"]
        )
    notes: list[str] = []
    if init_from is not None:
        config, notes = inherit_network(config, init_from.config)
    find_tokenizer(config.text.tokenizer)  # raises UsageError if its code is not loaded
    data = data or read_training_data(config, folders, init_from=init_from, progress=progress)
    torch.manual_seed(config.training.seed)
    if init_from is not None:
        return _continued_setup(config, data.corpus, device, init_from, notes)
    return _new_setup(config, data, device)


def read_training_data(
    config: Config,
    folders: Sequence[Path] = (),
    *,
    init_from: LoadedModel | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingData:
    """Read the corpora of a config and, unless `init_from` is given, its word vectors.

    Args:
        config: for a run that continues from a model, the result of `inherit_network`.
        folders, init_from, progress: as for `prepare_training`.

    Raises:
        DataError, ConfigError: as in `prepare_training`.
    """
    data, words = config.data, config.embeddings.words
    corpus = load_corpus(
        train=data.train,
        dev=data.dev,
        test=data.test,
        columns=data.columns.model_dump(exclude_none=True) if data.columns else None,
        scheme=data.scheme,
        illegal=data.illegal_tags,
        unknown=data.unknown,
        seed=config.training.seed if data.split_seed is None else data.split_seed,
        folders=folders,
        known_labels=() if init_from is None else init_from.vocabulary.labels,
        tokenizer=config.text.tokenizer,
    )
    if init_from is not None or words.vectors is None:
        return TrainingData(corpus)
    table = read_vectors(resolve(words.vectors, folders), limit=words.limit, progress=progress)
    covered = measure_coverage(corpus.train.counts, table)
    covered.check(words.min_coverage)
    n_grams = subwords.learn_n_grams(table.words, table.matrix, words.n_grams) if words.compose else None
    return TrainingData(corpus, table, n_grams, covered)


def make_trainer(setup: TrainingSetup) -> Trainer:
    """Return a new training loop. It scores the tagger on the corpus's dev split after each epoch.

    If dev has no entities, a tagger that finds nothing has the lowest loss there. The loss is then the mean
    of the losses on dev and on training sentences with entities.
    """
    decoder, corpus = TaggerDecoder(setup.tagger, setup.vocabulary), setup.corpus
    names = None if corpus.dev.labels else _first_with_entities(corpus.train)
    return Trainer(
        setup.tagger,
        setup.vocabulary,
        corpus.train,
        setup.config.training,
        lambda: evaluate_dev(decoder, corpus.dev, names),
    )


def evaluate_dev(decoder: TaggerDecoder, dev: Split, names: Split | None = None) -> DevResult:
    """Score a tagger on dev; the loss is that on dev or, if `names` is given, the mean of both losses."""
    sentences, _ = dev.sentences()
    tags = list(dev.widened(decoder.vocabulary.labels).all_tags())
    predicted, loss = decoder.spans_and_loss(sentences, tags, dev.documents.tolist())
    if names is not None:
        loss = (loss + evaluate_dev(decoder, names).loss) / 2
    return DevResult(score_split(dev, predicted), loss)


def _first_with_entities(split: Split) -> Split:
    """Return the first sentences with entities, at most 100."""
    return split.select(list(islice((i for i, spans in enumerate(split.all_spans()) if spans), 100)))


def with_word_size(config: Config, size: int) -> Config:
    """Return the config with the size of the word vectors replaced."""
    words = config.embeddings.words.model_copy(update={"size": size})
    embeddings = config.embeddings.model_copy(update={"words": words})
    return config.model_copy(update={"embeddings": embeddings})


def _new_setup(config: Config, data: TrainingData, device: torch.device) -> TrainingSetup:
    """Return the setup of a new model, with weights drawn from torch's generator."""
    corpus, vectors = data.corpus, data.vectors
    words, notices = config.embeddings.words, list(corpus.notes)
    if vectors is not None:
        if "size" in words.model_fields_set and words.size != vectors.dimension:
            notices.append(
                f"embeddings.words.size is {words.size}, but {words.vectors} has vectors of "
                f"size {vectors.dimension}; the file's size is used"
            )
        config = with_word_size(config, vectors.dimension)
    labels, scheme = corpus.train.labels, config.data.scheme
    if corpus.train.partial and not labels:  # of a fold, for example
        raise DataError("no training sentence has an entity whose label is known", corpus.train.path)
    vocabulary = Vocabulary.build(
        corpus.train.counts,
        labels=labels,
        scheme=scheme,
        vectors=vectors,
        min_count=words.min_count,
        tune=words.tune,
        n_grams=data.n_grams[0] if data.n_grams is not None else None,
    )
    if config.embeddings.lexicon:
        vocabulary = replace(vocabulary, lexicon=Lexicon.learn(corpus.train, vocabulary.labels))
    vocabulary = replace(vocabulary, tokenizer=config.text.tokenizer)
    tagger = build_tagger(config, vocabulary, _frozen_vectors(vocabulary, data, words.precision))
    if vectors is not None and words.tune:
        set_word_vectors(tagger, *vocabulary.initial_rows(vectors))
    return TrainingSetup(config, corpus, vocabulary, tagger.to(device), notices, data.coverage)


def _frozen_vectors(vocabulary: Vocabulary, data: TrainingData, precision: str) -> FrozenVectors | None:
    """Return the rows that training leaves unchanged: those of words, then those of n-grams."""
    if data.vectors is None or vocabulary.rows == len(vocabulary.words):
        return None
    rows = torch.from_numpy(vocabulary.frozen_rows(data.vectors))
    if data.n_grams is not None:
        rows = torch.cat([rows, data.n_grams[1]])
    return compress_vectors(rows, precision)


def _continued_setup(
    config: Config, corpus: Corpus, device: torch.device, old: LoadedModel, notes: Sequence[str]
) -> TrainingSetup:
    """Return the setup for continuing from a model: its network, its weights and a larger vocabulary."""
    notices = [*corpus.notes, *notes]
    vocabulary = old.vocabulary.grow(
        corpus.train.counts, labels=corpus.train.labels, min_count=config.embeddings.words.min_count
    )
    if old.vocabulary.lexicon is not None:
        lexicon = old.vocabulary.lexicon.merged(Lexicon.learn(corpus.train, vocabulary.labels))
        vocabulary = replace(vocabulary, lexicon=lexicon)
    tagger = build_tagger(config, vocabulary, old.tagger.words.frozen)
    transfer_weights(old.tagger.cpu(), old.vocabulary, tagger, vocabulary)
    new_labels = ", ".join(sorted(set(vocabulary.labels) - set(old.vocabulary.labels)))
    notices.append(f"continues from {old.folder}" + (f"; new labels: {new_labels}" if new_labels else ""))
    return TrainingSetup(config, corpus, vocabulary, tagger.to(device), notices)
