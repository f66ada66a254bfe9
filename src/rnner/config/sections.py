"""Sections and keys of a config: types, defaults, descriptions."""

from __future__ import annotations

import reprlib
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from rnner.config.corpus_files import ColumnsConfig, ScoredFiles, Section, TrainingFiles
from rnner.errors import did_you_mean
from rnner.text.tokenizer import DEFAULT_TOKENIZER

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class DataConfig(Section):
    """Corpora and their tags."""

    train: TrainingFiles = Field(
        description="training file (column file, JSONL, ...), hf:owner/name:split, or sample:train; or a list"
    )
    dev: ScoredFiles = Field(
        None, description="file used to select the best epoch; null: a tenth of train is held out"
    )
    split_seed: int | None = Field(
        None, ge=0, lt=2**31, description="seed for the held-out tenth if dev is null; null: training.seed"
    )
    test: ScoredFiles = Field(None, description="file scored once, after training; null: none")
    columns: ColumnsConfig | None = Field(
        None, description="column numbers from 0, such as {token: 0, tag: -1}; null: detected in each file"
    )
    scheme: Literal["bioes", "iob2", "iob1", "binary"] = Field(
        "bioes",
        description="tag scheme of the model: bioes, iob2, iob1, or binary (1 name, 0 other)",
    )
    illegal_tags: Literal["error", "conlleval"] = Field(
        "error",
        description="tags that violate their scheme: error (stop), or conlleval (read as conlleval does)",
    )
    unknown: str = Field(
        "?",
        min_length=1,
        description="tag of words whose tag is not known; B-? is an entity of unknown label",
    )


class TextConfig(Section):
    """How raw text is split into words."""

    tokenizer: str = Field(
        DEFAULT_TOKENIZER,
        min_length=1,
        description="rnner, characters (one token each), or the name of your own; saved with the model",
    )


class WordsConfig(Section):
    """One vector per word."""

    size: int = Field(
        100, gt=0, le=65536, description="dimensions of a word vector; with `vectors`, taken from the file"
    )
    vectors: str | None = Field(
        None, description="text file of GloVe, word2vec or fastText vectors; null: none"
    )
    limit: int | None = Field(
        None, gt=0, description="number of vectors to read from the file's start (frequent words); null: all"
    )
    min_coverage: float = Field(
        0.1, ge=0.0, le=1.0, description="stop if less than this share of the training words has a vector"
    )
    tune: bool = Field(False, description="also train the vectors of words that occur in train")
    precision: Literal["float16", "int8"] = Field(
        "float16", description="number format of the vectors in the model: float16, or int8 (half the size)"
    )
    compose: bool = Field(
        True, description="compose vectors for words missing from the file, using their parts or n-grams"
    )
    n_grams: int = Field(
        100_000, ge=0, description="number of most frequent character n-grams used to compose vectors"
    )
    min_count: int = Field(
        2, gt=0, description="minimum count in train for a word without a vector to get a trained one"
    )


def _known_cell(name: str, info: ValidationInfo) -> str:
    """Check the cell name if the available cells are known (torch and user code are loaded)."""
    known = (info.context or {}).get("cells")
    if known is not None and name not in known:
        raise ValueError(
            f"no cell is named {reprlib.repr(name)}{did_you_mean(name, known)}; "
            f"available: {', '.join(sorted(known))}; load a cell of your own with --code FILE"
        )
    return name


CellName = Annotated[str, AfterValidator(_known_cell)]


def _odd(width: int) -> int:
    if width % 2 == 0:
        raise ValueError(f"must be odd, so that a filter has a centre; got {width}")
    return width


class CharactersConfig(Section):
    """A word vector computed from the characters."""

    encoder: Literal["cnn", "recurrent"] = Field("cnn", description="cnn, or recurrent (bidirectional)")
    size: int = Field(30, gt=0, le=65536, description="dimensions of a character vector")
    hidden: int = Field(
        50, gt=0, le=65536, description="filters of the CNN, or units per direction of the recurrent encoder"
    )
    width: Annotated[int, AfterValidator(_odd)] = Field(
        3, gt=0, le=64, description="width of a CNN filter in characters; must be odd"
    )
    cell: CellName = Field("lstm", description="cell of the recurrent encoder")


def expand_characters(value: Any) -> Any:
    """Expand `characters: cnn` to `characters: {encoder: cnn}` and `none` to null."""
    if value == "none":
        return None
    return {"encoder": value} if isinstance(value, str) else value


def _add_shorthand(schema: dict[str, Any]) -> None:
    """Allow the values that `expand_characters` accepts in the JSON schema."""
    schema["anyOf"].append({"enum": ["cnn", "recurrent", "none"]})


class EmbeddingsConfig(Section):
    """Features of a word."""

    words: WordsConfig = WordsConfig()
    characters: Annotated[CharactersConfig | None, BeforeValidator(expand_characters)] = Field(
        CharactersConfig(),
        json_schema_extra=_add_shorthand,
        description="a word vector computed from the characters; null: none",
    )
    casing: int = Field(
        10, ge=0, le=65536, description="dimensions of the casing vector (Capital, UPPER, 1996, ...); 0: none"
    )
    document: bool = Field(
        False, description="add a vector of the document (a weighted mean of its word vectors) to each word"
    )
    lexicon: bool = Field(False, description="add the word's label counts in other training documents")


class EncoderConfig(Section):
    """The recurrent network over the words of a sentence."""

    cell: CellName = Field(
        "lstm",
        description="rnn, gru (the notes' GRU), gru_reset_after (PyTorch's), lstm, none, or your own cell",
    )
    hidden: int = Field(200, gt=0, le=65536, description="units per direction")
    layers: int = Field(1, gt=0, le=64, description="number of stacked layers")
    bidirectional: bool = Field(True, description="read each sentence in both directions")
    path: Literal["auto", "loop", "fused", "native"] = Field(
        "auto",
        description="implementation: auto (fastest), loop (readable), fused (rnner's), native (PyTorch's)",
    )


class DropoutConfig(Section):
    """Dropout probabilities in training; 0: off."""

    words: Probability = Field(0.05, description="words replaced by the unknown word")
    document: Probability = Field(
        0.1, description="sentences whose document vector covers only the sentence itself"
    )
    casing: Probability = Field(
        0.0, description="sentences converted to lower case, or (a third of them) to upper case"
    )
    input: Probability = Field(0.5, description="input of the first layer (one mask per sentence)")
    recurrent: Probability = Field(0.0, description="recurrent weights W_aa (one mask per training step)")
    hidden: Probability = Field(0.3, description="values passed between layers")
    output: Probability = Field(0.5, description="output of the last layer")


class TrainingConfig(Section):
    """Batches, optimizer, schedule and checkpoints."""

    epochs: int = Field(30, gt=0, description="maximum number of passes over the training data")
    patience: int | None = Field(
        None, gt=0, description="stop after this many epochs without improvement on dev; null: never"
    )
    batch_sentences: int | None = Field(16, gt=0, description="maximum sentences per step; null: no limit")
    batch_tokens: int | None = Field(
        4096, gt=0, description="maximum tokens per step, padding included; null: no limit"
    )
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="adamw, or sgd (with momentum)")
    learning_rate: float = Field(
        0.002, gt=0, description="peak learning rate; about 0.002 for adamw, 0.1 for sgd"
    )
    momentum: Probability = Field(0.9, description="momentum of sgd")
    weight_decay: float = Field(0.0, ge=0, description="weight decay (embeddings and biases excluded)")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="learning rate after the warm-up: linear or cosine decay to 0, or constant"
    )
    warmup: Probability = Field(
        0.05, description="share of all steps in which the learning rate rises to its peak"
    )
    clip: float | None = Field(5.0, gt=0, description="gradient clipping threshold; null: no clipping")
    clip_by: Literal["norm", "value"] = Field(
        "norm", description="norm: clip the norm of all gradients together; value: clip each element"
    )
    average: Probability | None = Field(
        0.999, description="decay of the running average of weights that is saved as the model; null: off"
    )
    seed: int = Field(
        1,
        ge=0,
        lt=2**31,
        description="random seed; the same seed, threads and machine give the same model, bit for bit",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="precision of matrix products in training: float32, or bfloat16 (CUDA only)"
    )
    checkpoint_minutes: float = Field(
        5.0, ge=0, description="minutes between checkpoints; one is also written after each epoch"
    )

    @model_validator(mode="before")
    @classmethod
    def _tokens_alone(cls, values: Any) -> Any:
        """Drop the default of `batch_sentences` if only `batch_tokens` is set."""
        if isinstance(values, dict) and values.get("batch_tokens") and "batch_sentences" not in values:
            return {**values, "batch_sentences": None}
        return values

    @field_validator("batch_tokens")
    @classmethod
    def _some_bound(cls, tokens: int | None, info: ValidationInfo) -> int | None:
        # A field validator, because a section validator would run only if all other keys are valid.
        if tokens is None and info.data.get("batch_sentences", 1) is None:
            raise ValueError("set batch_sentences or batch_tokens to a number; both are null")
        return tokens


class Config(Section):
    """The config of a training run."""

    data: DataConfig
    text: TextConfig = TextConfig()
    embeddings: EmbeddingsConfig = EmbeddingsConfig()
    encoder: EncoderConfig = EncoderConfig()
    dropout: DropoutConfig = DropoutConfig()
    head: Literal["crf", "softmax"] = Field(
        "crf", description="crf: adjacent tags are scored together; softmax: each tag on its own"
    )
    threshold: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="report every entity more probable than this (start with half of your dev F1); null: off",
    )
    agreement: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="weight of a capitalised word's mean score over its document (try 0.5); null: off",
    )
    training: TrainingConfig = TrainingConfig()


def section_class(annotation: Any) -> type[Section] | None:
    """Return the section class in an annotation such as `X`, `X | None` or `Annotated[X | None, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated):
        return next((found for part in typing.get_args(annotation) if (found := section_class(part))), None)
    return None


def section_at(location: Sequence[str]) -> type[Section]:
    """Return the section class at a path such as ("embeddings", "words"), or its last existing parent."""
    section: type[Section] = Config
    for name in location:
        below = section.model_fields.get(name)
        section = (below and section_class(below.annotation)) or section
    return section


def iter_keys(section: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted name and the field of every key in a section."""
    for name, field in section.model_fields.items():
        below = section_class(field.annotation)
        if below is not None:
            yield from iter_keys(below, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def differences(left: Config, right: Config) -> list[str]:
    """List the dotted keys in which two configs differ, with both values."""
    a, b = flatten(left.model_dump()), flatten(right.model_dump())
    return [
        f"{key}: {a.get(key)!r} / {b.get(key)!r}"
        for key in sorted(a.keys() | b.keys())
        if a.get(key) != b.get(key)
    ]


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of nested dicts by dotted key."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def schema() -> dict[str, Any]:
    """Return the JSON schema of the config, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rnner config",
        **Config.model_json_schema(),
    }
