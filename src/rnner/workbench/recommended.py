"""Settings that suit a corpus, for a user who has no config: `rnner train FILE`, `rnner config init FILE`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rnner.config import Config, Override, is_network_key, parse_config
from rnner.config.corpus_files import file_list
from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.data.vectors import read_vectors


@dataclass(frozen=True)
class Recommendation:
    """A config for a corpus.

    Attributes:
        config: the complete config.
        train: the training files.
        values: values by key that suit the corpus better than the defaults. The config may have others, if
            the user has set them.
    """

    config: Config
    train: list[Split]
    values: dict[str, Any]


def recommend(
    files: Sequence[Override],
    overrides: Sequence[Override] = (),
    *,
    base: Config | None = None,
    cells: Collection[str] | None = None,
) -> Recommendation:
    """Read the training file, and return a config that suits it.

    Args:
        files: the data files and word vectors, as pairs such as `("data.train", "my.conll")`.
        overrides: settings of the user.
        base: the config of the model that the run continues from, whose network is kept.
        cells: names of the available cells; None skips the check of cell names.

    Raises:
        ConfigError, DataError: a setting or a file is wrong.
    """
    given = parse_config({}, [*files, *overrides])
    size: list[Override] = []
    if given.embeddings.words.vectors is not None and base is None:
        vectors = read_vectors(resolve(given.embeddings.words.vectors), limit=1)
        size = [("embeddings.words.size", vectors.dimension)]
    train = read_corpus_files(given, "train")
    values = {key: value for key, value in _values(train).items() if base is None or not is_network_key(key)}
    config = parse_config({}, [*files, *values.items(), *overrides, *size], cells=cells)
    return Recommendation(config, train, values)


def read_corpus_files(config: Config, name: str) -> list[Split]:
    """Read the train, dev or test files of a config as training does, but keep the scheme of their tags."""
    data = config.data
    columns = data.columns.model_dump(exclude_none=True) if data.columns is not None else None
    how: Any = {"columns": columns, "illegal": data.illegal_tags, "unknown": data.unknown, "name": name}
    return [read_split(resolve(file.path), **how) for file in file_list(getattr(data, name))]


def _values(train: Sequence[Split]) -> dict[str, Any]:
    values: dict[str, Any] = {"embeddings.document": True, "embeddings.lexicon": True, "agreement": 0.5}
    if all(split.scheme == "binary" for split in train):
        values["data.scheme"] = "binary"
    # Fewer sentences mean fewer steps per epoch; more epochs make up for it, and patience stops it early.
    sentences = sum(map(len, train))
    if sentences < 1_000:
        values |= {"training.epochs": 100, "training.patience": 25}
    elif sentences < 5_000:
        values |= {"training.epochs": 60, "training.patience": 20}
    return values
