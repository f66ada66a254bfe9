"""What a config may hold: every section and key, its type, default and meaning."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rnner.errors import did_you_mean

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """A part of the config: immutable, strictly typed, without room for unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ColumnsConfig(Section):
    """Which columns of a column file hold what, counted from 0; negative numbers count from the end."""

    token: int = Field(0, description="column of the word")
    tag: int = Field(-1, description="column of the tag")


class DataConfig(Section):
    """The corpora, and how their labels are read."""

    train: str = Field(
        description="file to learn from (columns, JSONL, ...), hf:owner/name:split, or sample:train"
    )
    dev: str | None = Field(
        None, description="file that picks the best epoch; null: a tenth of train is held out"
    )
    split_seed: int | None = Field(
        None, ge=0, lt=2**31, description="draws what is held out where dev is null; null: training.seed does"
    )
    test: str | None = Field(None, description="file scored once, at the end; null: none")
    columns: ColumnsConfig | None = Field(
        None, description="{token: 0, tag: -1}, counted from 0; null: found out from each file"
    )
    scheme: Literal["bioes", "iob2", "iob1", "binary"] = Field(
        "bioes",
        description="tags that the model learns, whatever the files use: bioes, iob2, iob1, or binary "
        "(1 for names, 0 for the rest)",
    )
    illegal_tags: Literal["error", "conlleval"] = Field(
        "error",
        description="tags that break their scheme: error stops, conlleval reads them as that script does",
    )


class WordsConfig(Section):
    """One vector a word."""

    size: int = Field(
        100, gt=0, le=65536, description="numbers in a word's vector; with `vectors`, their file decides"
    )
    vectors: str | None = Field(
        None, description="text file of GloVe, word2vec or fastText vectors; null: none"
    )
    limit: int | None = Field(
        None, gt=0, description="take only so many of the file's first (most frequent) vectors; null: all"
    )
    min_coverage: float = Field(
        0.1, ge=0.0, le=1.0, description="stop if a smaller share of the training words has a vector"
    )
    tune: bool = Field(False, description="train the file's vectors too (those of words in train)")
    precision: Literal["float16", "int8"] = Field(
        "float16", description="of the file's vectors in the model: float16, or int8 in half the space"
    )
    compose: bool = Field(
        True, description="compose vectors for words that the file lacks, of their parts and pieces"
    )
    n_grams: int = Field(
        100_000, ge=0, description="pieces of words (character n-grams) to compose of, the most frequent ones"
    )
    min_count: int = Field(
        2, gt=0, description="words without a vector get one of their own if train has them so often"
    )


def _known_cell(name: str, info: ValidationInfo) -> str:
    """Cells are known only where torch and the user's own code are loaded; then they are checked here."""
    known = (info.context or {}).get("cells")
    if known is not None and name not in known:
        raise ValueError(
            f"no cell is named {name!r}{did_you_mean(name, known)}; there are {', '.join(sorted(known))}; "
            "one of your own comes with --code FILE"
        )
    return name


CellName = Annotated[str, AfterValidator(_known_cell)]


def _odd(width: int) -> int:
    if width % 2 == 0:
        raise ValueError(f"must be odd, so that a filter has a middle, got {width}")
    return width


class CharactersConfig(Section):
    """A word's vector from its characters."""

    encoder: Literal["cnn", "recurrent"] = Field("cnn", description="cnn, or recurrent: read both ways")
    size: int = Field(30, gt=0, le=65536, description="numbers in a character's vector")
    hidden: int = Field(
        50, gt=0, description="filters of the CNN; units a direction of the recurrent encoder"
    )
    width: Annotated[int, AfterValidator(_odd)] = Field(
        3, gt=0, le=64, description="characters that a filter of the CNN sees at a time"
    )
    cell: CellName = Field("lstm", description="cell of the recurrent encoder")


def characters_shorthand(value: Any) -> Any:
    """`characters: cnn` stands for `characters: {encoder: cnn}`, `none` for null."""
    if value == "none":
        return None
    return {"encoder": value} if isinstance(value, str) else value


def _tell_shorthand(schema: dict[str, Any]) -> None:
    """The JSON schema knows what `characters_shorthand` allows."""
    schema["anyOf"].append({"enum": ["cnn", "recurrent", "none"]})


class EmbeddingsConfig(Section):
    """What the tagger sees of a word."""

    words: WordsConfig = WordsConfig()
    characters: Annotated[CharactersConfig | None, BeforeValidator(characters_shorthand)] = Field(
        CharactersConfig(), description="null: no characters", json_schema_extra=_tell_shorthand
    )
    casing: int = Field(
        10, ge=0, description="numbers that say how a word is written (Capital, UPPER, 1996 ...); 0: none"
    )
    document: bool = Field(
        False, description="show each word what its document is about (a mean of the document's word vectors)"
    )
    lexicon: bool = Field(
        False, description="show for each word how often the other training documents label it how"
    )


class EncoderConfig(Section):
    """The recurrent network over the words of a sentence."""

    cell: CellName = Field(
        "lstm", description="rnn, gru (the notes'), gru_reset_after, lstm, none, or one of your own"
    )
    hidden: int = Field(200, gt=0, le=65536, description="units a direction")
    layers: int = Field(1, gt=0, le=64, description="networks on top of one another")
    bidirectional: bool = Field(True, description="read each sentence from both ends")
    path: Literal["auto", "loop", "fused", "native"] = Field(
        "auto",
        description="implementation: auto (the fastest), loop (readable), fused (ours), native (PyTorch's)",
    )


class DropoutConfig(Section):
    """Shares of what is hidden from the network while it trains; 0: nothing."""

    words: Probability = Field(0.05, description="words that are shown as unknown")
    document: Probability = Field(0.1, description="sentences that are shown without their document")
    casing: Probability = Field(
        0.0, description="sentences that are shown all in lower-case, or, a third of these, in upper-case"
    )
    input: Probability = Field(0.5, description="of what goes into the first layer (one mask a sentence)")
    recurrent: Probability = Field(
        0.0, description="of the weights from each word to the next, W_aa (one mask a step of training)"
    )
    hidden: Probability = Field(0.3, description="between layers")
    output: Probability = Field(0.5, description="of what comes out of the last layer")


class TrainingConfig(Section):
    """How the weights are found."""

    epochs: int = Field(30, gt=0, description="times through the training data, at most")
    patience: int | None = Field(
        None, gt=0, description="stop after so many epochs without a better dev F1; null: never"
    )
    batch_sentences: int | None = Field(16, gt=0, description="sentences a step, at most; null: no limit")
    batch_tokens: int | None = Field(4096, gt=0, description="tokens a step, padding counted; null: no limit")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="adamw, or sgd (with momentum)")
    learning_rate: float = Field(
        0.002, gt=0, description="at its highest; adamw: about 0.002, sgd: about 0.1"
    )
    momentum: Probability = Field(0.9, description="of sgd")
    weight_decay: float = Field(
        0.0, ge=0, description="pull of the weights towards 0 (not of embeddings, biases)"
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear",
        description="of the learning rate after the warm-up: linear or cosine down to 0, or constant",
    )
    warmup: Probability = Field(
        0.05, description="share of all steps in which the learning rate grows to its height"
    )
    clip: float | None = Field(5.0, gt=0, description="gradients are clipped at this; null: never")
    clip_by: Literal["norm", "value"] = Field(
        "norm", description="norm: that of all gradients together; value: each number on its own"
    )
    average: Probability | None = Field(
        0.999,
        description="decay of the running average of the weights, which is what is kept; null: no average",
    )
    seed: int = Field(1, ge=0, lt=2**31, description="same seed, same threads, same machine: same bits")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the products in training: float32, or on CUDA bfloat16"
    )
    checkpoint_minutes: float = Field(
        5.0, ge=0, description="a checkpoint is written this often, and every epoch"
    )

    @model_validator(mode="before")
    @classmethod
    def _tokens_alone(cls, values: Any) -> Any:
        """Who sets only `batch_tokens` means tokens alone: the default count of sentences steps back."""
        if isinstance(values, dict) and values.get("batch_tokens") and "batch_sentences" not in values:
            return {**values, "batch_sentences": None}
        return values

    @field_validator("batch_tokens")
    @classmethod
    def _some_bound(cls, tokens: int | None, info: ValidationInfo) -> int | None:
        # A validator of the field, not of the section: that one would wait until all else is right.
        if tokens is None and info.data.get("batch_sentences", 1) is None:
            raise ValueError("one of batch_sentences and batch_tokens must be a number")
        return tokens


class Config(Section):
    """A whole run."""

    data: DataConfig
    embeddings: EmbeddingsConfig = EmbeddingsConfig()
    encoder: EncoderConfig = EncoderConfig()
    dropout: DropoutConfig = DropoutConfig()
    head: Literal["crf", "softmax"] = Field(
        "crf", description="crf: neighbouring tags are scored together; softmax: each on its own"
    )
    threshold: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="find each entity more probable than this (best: half the F1 to be had); "
        "null: those of the most probable sequence of tags",
    )
    agreement: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="share of its scores that a capitalised word has in common with all of its document that "
        "are spelt alike (0.5, say); null: each stands for itself",
    )
    training: TrainingConfig = TrainingConfig()


def section_class(annotation: Any) -> type[Section] | None:
    """The section in an annotation such as `X`, `X | None` or `Annotated[X | None, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated):
        return next((found for part in typing.get_args(annotation) if (found := section_class(part))), None)
    return None


def section_at(location: Sequence[str]) -> type[Section]:
    """The class of the section at a path such as ("embeddings", "words"); of the nearest one that exists."""
    section: type[Section] = Config
    for name in location:
        below = section.model_fields.get(name)
        section = (below and section_class(below.annotation)) or section
    return section


def walk(section: type[Section], prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """All keys below a section: dotted name, description, default."""
    for name, field in section.model_fields.items():
        below = section_class(field.annotation)
        if below is not None:
            yield from walk(below, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.description or "", field.get_default(call_default_factory=True)


def differences(left: Config, right: Config) -> list[str]:
    """The dotted keys in which two configs differ, each with both values."""
    a, b = _flatten(left.model_dump()), _flatten(right.model_dump())
    return [
        f"{key}: {a.get(key)!r} / {b.get(key)!r}"
        for key in sorted(a.keys() | b.keys())
        if a.get(key) != b.get(key)
    ]


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def schema() -> dict[str, Any]:
    """JSON schema of the config, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rnner config",
        **Config.model_json_schema(),
    }
