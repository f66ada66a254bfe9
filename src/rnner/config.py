"""The config of a run: what it may hold, read from YAML, checked as a whole, written back with comments.

Layout, defaults and meaning of every key are in the classes below; their descriptions are what
`rnner config schema` prints and `rnner config init` writes beside each key.
"""

from __future__ import annotations

import difflib
import os
import re
import types
import typing
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rnner.errors import ConfigError, UsageError

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

    train: str = Field(description="column file to learn from, or sample:train")
    dev: str | None = Field(
        None, description="column file that picks the best epoch; null: a tenth of train is held out"
    )
    test: str | None = Field(None, description="column file scored once, at the end; null: none")
    columns: ColumnsConfig | None = Field(
        None, description="{token: 0, tag: -1}, counted from 0; null: found out from each file"
    )
    scheme: Literal["bioes", "iob2", "iob1", "binary"] = Field(
        "bioes",
        description="tags that the model learns, whatever the files use; binary: 1 for names, 0 for the rest",
    )
    illegal_tags: Literal["error", "conlleval"] = Field(
        "error",
        description="tags that break their scheme: stop with an error, or read them as conlleval does",
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
    min_count: int = Field(
        2, gt=0, description="words without a vector get one of their own if train has them so often"
    )


def _known_cell(name: str, info: ValidationInfo) -> str:
    """Cells are known only where torch and the user's own code are loaded; then they are checked here."""
    known = (info.context or {}).get("cells")
    if known is not None and name not in known:
        raise ValueError(
            f"no cell is named {name!r}{_closest(name, known)}; there are {', '.join(sorted(known))}; "
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


def _characters_shorthand(value: Any) -> Any:
    """`characters: cnn` stands for `characters: {encoder: cnn}`, `none` for null."""
    if value == "none":
        return None
    return {"encoder": value} if isinstance(value, str) else value


def _tell_shorthand(schema: dict[str, Any]) -> None:
    """The JSON schema knows what `_characters_shorthand` allows."""
    schema["anyOf"].append({"enum": ["cnn", "recurrent", "none"]})


class EmbeddingsConfig(Section):
    """What the tagger sees of a word."""

    words: WordsConfig = WordsConfig()
    characters: Annotated[CharactersConfig | None, BeforeValidator(_characters_shorthand)] = Field(
        CharactersConfig(), description="null: no characters", json_schema_extra=_tell_shorthand
    )
    casing: int = Field(
        10, ge=0, description="numbers that say how a word is written (Capital, UPPER, 1996 ...); 0: none"
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
        "auto", description="implementation: the fastest, the readable loop, our fused one, PyTorch's own"
    )


class DropoutConfig(Section):
    """Shares of what is hidden from the network while it trains; 0: nothing."""

    words: Probability = Field(0.05, description="words that are shown as unknown")
    input: Probability = Field(0.5, description="of what goes into the first layer (one mask a sentence)")
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
        "linear", description="how the learning rate goes after the warm-up: down to 0, or constant"
    )
    warmup: Probability = Field(
        0.05, description="share of all steps in which the learning rate grows to its height"
    )
    clip: float | None = Field(5.0, gt=0, description="gradients are clipped at this; null: never")
    clip_by: Literal["norm", "value"] = Field(
        "norm", description="their norm over all weights, or each value"
    )
    average: Probability | None = Field(
        0.999,
        description="decay of the running average of the weights, which is what is kept; null: no average",
    )
    seed: int = Field(1, ge=0, lt=2**31, description="same seed, same threads, same machine: same bits")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the products in training; bfloat16 needs CUDA"
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
    training: TrainingConfig = TrainingConfig()


# --- reading ---------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML as people expect it: 1e-3 is a number, a date is text, a key given twice is an error.

    Aliases are refused: nobody needs them here, and a few of them make a tree that never ends.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"*{event.anchor}: aliases are not allowed, write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, KeyError, AttributeError):
            # So PyYAML ends at `0x_`, at `!!bool maybe`, at a number of 5,000 digits.
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"cannot be read as {kind}; text goes in quotes", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not text: put it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what `_Loader` would take for something else than text."""


_FLOAT = re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def _parse_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError([f"not valid YAML: {what}"], where) from None
    except RecursionError:
        raise ConfigError(["not valid YAML: nested too deeply"], source) from None


def load_config(
    path: Path | str, overrides: Sequence[str] = (), *, cells: Collection[str] | None = None
) -> Config:
    """Read a YAML config, apply `section.key=value` overrides, and check the whole.

    Args:
        path: the YAML file.
        overrides: as `--set` takes them; the value is read as YAML, so it is typed.
        cells: names of the cells there are, where they are known; None leaves `encoder.cell` to `build`.

    Raises:
        ConfigError: with every problem found, the closest valid key beside each unknown one.
        UsageError: if the file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"{path}: there is no such config; `rnner config init --train FILE` writes one"
        ) from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder; --config takes a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a YAML file: {error}") from None
    tree = _parse_yaml(text, str(path))
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigError(
            [f"must hold sections ({', '.join(Config.model_fields)}), got {_describe(tree)}"], path
        )
    return parse_config(tree, overrides, source=path, cells=cells)


def parse_config(
    tree: dict[str, Any],
    overrides: Sequence[str] = (),
    *,
    source: Path | str | None = None,
    cells: Collection[str] | None = None,
) -> Config:
    """Check a config given as nested dicts; see `load_config`."""
    problems: list[str] = []
    for override in overrides:
        tree = _override(tree, override, problems)
    tree = _expand(tree, "", problems)
    try:
        config = Config.model_validate(tree, context={"cells": cells})
    except ValidationError as error:
        problems += [_explain(detail) for detail in error.errors(include_url=False)]
    if problems:
        raise ConfigError(problems, source)
    return config


def _override(tree: dict[str, Any], override: str, problems: list[str]) -> dict[str, Any]:
    """The tree with one `a.b=value` put in; the original is left as it was."""
    key, equals, text = override.partition("=")
    *sections, leaf = key.strip().split(".")
    if not equals or not all((*sections, leaf)):
        problems.append(f"--set {override}: write it as section.key=value, such as training.epochs=5")
        return tree
    try:
        value = _parse_yaml(text, f"--set {key}")
    except ConfigError as error:
        problems.append(str(error))
        return tree
    tree = dict(tree)
    branch = tree
    for name in sections:
        below = branch.get(name)
        if name == "characters":
            below = _characters_shorthand(below)
        if not isinstance(below, dict | None):
            problems.append(f"--set {override}: {name} is {_describe(below)}, not a section")
            return tree
        branch[name] = dict(below or {})
        branch = branch[name]
    branch[leaf] = value
    return tree


def _expand(value: Any, key: str, problems: list[str]) -> Any:
    """Put environment variables, written ${NAME}, into every text."""
    if isinstance(value, dict):
        return {
            name: _expand(below, f"{key}.{name}" if key else str(name), problems)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [_expand(below, key, problems) for below in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            problems.append(f"{key}: the environment variable {name} is not set")
        return os.environ.get(name, "")

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", look_up, value)


# --- telling what is wrong -------------------------------------------------------------------------------


def _closest(word: str, words: Collection[str]) -> str:
    matches = difflib.get_close_matches(str(word), list(words), n=1, cutoff=0.6)
    return f" (did you mean {matches[0]}?)" if matches else ""


def _describe(value: Any) -> str:
    kinds = {
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a section",
    }
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a section"
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return f"{shown} ({kinds.get(type(value), type(value).__name__)})"


_EXPECTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "model_type": "must be a section with keys of its own",
    "model_attributes_type": "must be a section with keys of its own",
}


def _explain(detail: Any) -> str:
    """One sentence for one problem that pydantic found."""
    location = [str(part) for part in detail["loc"]]
    key, kind, value = ".".join(location), detail["type"], detail.get("input")
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        siblings = list(section_at(location[:-1]).model_fields)
        there = f"; keys here: {', '.join(siblings)}" if not _closest(location[-1], siblings) else ""
        return (
            f"{key}: unknown key{_closest(location[-1], siblings)}{_elsewhere(location[-1], siblings)}{there}"
        )
    if kind == "missing":
        return "; ".join(_required(location))
    if kind == "literal_error":
        options = _literals(location)
        return f"{key}: {_describe(value)} is not one of {', '.join(options)}{_closest(str(value), options)}"
    if kind == "value_error":
        return f"{key}: {context.get('error')}"
    if kind in _EXPECTED:
        return f"{key}: {_EXPECTED[kind]}, got {_describe(value)}"
    return f"{key}: {detail['msg'].replace('Input should be', 'must be')}, got {_describe(value)}"


def _required(location: Sequence[str]) -> Iterator[str]:
    """What is to be written where a key is missing; for a section, its keys that have no default."""
    field = section_at(location[:-1]).model_fields[location[-1]]
    below = _section_class(field.annotation)
    if below is None:
        yield f"{'.'.join(location)}: is required: {field.description}"
        return
    for name, inner in below.model_fields.items():
        if inner.is_required():
            yield from _required([*location, name])


def _elsewhere(name: str, siblings: Collection[str]) -> str:
    """Where an unknown key, or one much like it, does exist, if it stands in the wrong section."""
    if _closest(name, siblings):
        return ""
    homes: dict[str, list[str]] = {}
    for key, _, _ in walk(Config):
        homes.setdefault(key.rpartition(".")[2], []).append(key)
    matches = difflib.get_close_matches(name, homes, n=1, cutoff=0.8)
    return f" (did you mean {' or '.join(homes[matches[0]])}?)" if matches else ""


def _literals(location: Sequence[str]) -> list[str]:
    annotation: Any = section_at(location[:-1]).model_fields[location[-1]].annotation
    return [str(option) for option in typing.get_args(annotation)]


def _section_class(annotation: Any) -> type[Section] | None:
    """The section in an annotation such as `X`, `X | None` or `Annotated[X | None, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated):
        return next((found for part in typing.get_args(annotation) if (found := _section_class(part))), None)
    return None


def section_at(location: Sequence[str]) -> type[Section]:
    """The class of the section at a path such as ("embeddings", "words"); of the nearest one that exists."""
    section: type[Section] = Config
    for name in location:
        below = section.model_fields.get(name)
        section = (below and _section_class(below.annotation)) or section
    return section


def walk(section: type[Section], prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """All keys below a section: dotted name, description, default."""
    for name, field in section.model_fields.items():
        below = _section_class(field.annotation)
        if below is not None:
            yield from walk(below, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.description or "", field.get_default(call_default_factory=True)


# --- writing ---------------------------------------------------------------------------------------------


def to_yaml(config: Config, *, comments: bool = False) -> str:
    """The whole resolved config as YAML, with each key's description beside it if `comments`."""
    return "\n".join(_yaml_lines(config, "", comments)) + "\n"


def _yaml_lines(section: Section, indent: str, comments: bool) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            if not indent and comments:
                yield f"\n# {(type(value).__doc__ or '').strip().splitlines()[0]}"
            yield f"{indent}{name}:"
            yield from _yaml_lines(value, indent + "  ", comments)
            continue
        line = f"{indent}{name}: {_scalar(value)}"
        described = f"{line:<34}  # {field.description}" if comments and field.description else line
        if not indent and comments:
            yield ""
        yield described


def _scalar(value: Any) -> str:
    # Text over several lines would run into the comment: the style of double quotes writes \\n instead.
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text: str = yaml.dump(value, Dumper=_Dumper, default_style=style, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


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
