"""`rnner config`: write a config for a person's own file, show one in full, describe what it may hold."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli.console import notice
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.config import Config
    from rnner.data.splits import Split

app = typer.Typer(
    name="config",
    help="Write, show and describe configs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a key: --set training.epochs=5. Repeatable."),
]


class Format(str, Enum):
    """How a config is printed."""

    yaml = "yaml"
    json = "json"


@app.command()
def init(
    train: Annotated[
        str, typer.Option("--train", metavar="FILE", help="Column file to learn from, or sample:train.")
    ],
    dev: Annotated[
        str | None,
        typer.Option(
            "--dev", metavar="FILE", help="Column file that picks the best epoch. [default: a tenth of train]"
        ),
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", metavar="FILE", help="Column file scored once, at the end.")
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option("--vectors", metavar="FILE", help="Text file of GloVe, word2vec or fastText vectors."),
    ] = None,
    overrides: Overrides = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file, not to stdout.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
) -> None:
    """Look at your own column files and write a commented config for them."""
    _check_free(output, overwrite)
    tree: dict[str, Any] = {"data": {"train": train, "dev": dev, "test": test}}
    if vectors is not None:
        tree["embeddings"] = {"words": {"vectors": vectors}}
    path = output or Path("my.yaml")
    text = _draft(tree, overrides or (), path)
    if output is None:
        typer.echo(text, nl=False)
    else:
        _write(output, text, overwrite)
        notice(f"wrote {output}; next: {_train_command(path)}")


@app.command()
def schema() -> None:
    """Print the JSON schema of configs, for editors."""
    from rnner.config import schema as config_schema

    typer.echo(json.dumps(config_schema(), indent=2, ensure_ascii=False))


@app.command()
def show(
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="YAML config.")],
    overrides: Overrides = None,
    form: Annotated[Format, typer.Option("--format", help="How it is printed.")] = Format.yaml,
) -> None:
    """Print a config as a run would use it, all defaults filled in."""
    from rnner.config import load_config, to_yaml

    resolved = load_config(config, overrides or ())
    if form is Format.json:
        typer.echo(json.dumps(resolved.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        typer.echo(to_yaml(resolved), nl=False)


# --- what `init` writes ------------------------------------------------------------------------------------

_AGREEMENT = 0.5


def _draft(tree: dict[str, Any], overrides: Sequence[str], path: Path) -> str:
    """The text of the config at `path`: what the user gave, and what fits their corpus."""
    from rnner.config import parse_config
    from rnner.data.corpus import resolve
    from rnner.data.vectors import read_vectors

    given = parse_config(tree, overrides)
    if given.embeddings.words.vectors is not None:
        vectors = read_vectors(resolve(given.embeddings.words.vectors), limit=1)
        overrides = [*overrides, f"embeddings.words.size={vectors.dimension}"]
    splits = _read(given)
    fitting = _fitting(splits[0])
    for section, values in fitting.items():
        tree = {**tree, section: {**tree.get(section, {}), **values}}
    tree = {**tree, "agreement": _AGREEMENT}
    return _commented(parse_config(tree, overrides), splits, fitting, path)


def _read(config: Config) -> list[Split]:
    """The files of a config, read as training would read them; train first."""
    from rnner.data.corpus import read_split, resolve

    data = config.data
    columns = data.columns.model_dump() if data.columns is not None else None
    return [
        read_split(resolve(source), columns=columns, illegal=data.illegal_tags, name=name)
        for name, source in (("train", data.train), ("dev", data.dev), ("test", data.test))
        if source is not None
    ]


def _fitting(train: Split) -> dict[str, dict[str, Any]]:
    """Settings that suit the corpus better than the defaults do, by section."""
    fitting: dict[str, dict[str, Any]] = {"embeddings": {"document": True, "lexicon": True}}
    if train.scheme == "binary":
        fitting["data"] = {"scheme": "binary"}
    # Fewer sentences make fewer steps an epoch; more epochs make up for it, and patience ends them early.
    if len(train) < 1_000:
        fitting["training"] = {"epochs": 100, "patience": 25}
    elif len(train) < 5_000:
        fitting["training"] = {"epochs": 60, "patience": 20}
    return fitting


def _commented(
    config: Config, splits: Sequence[Split], fitting: dict[str, dict[str, Any]], path: Path
) -> str:
    """The config as YAML under a header that says how it is used and what it was made from."""
    from rnner.config import to_yaml

    header = ["Trains with:", "", f"    {_train_command(path)}", ""]
    header += [line for split in splits for line in _found(split, config)]
    if len(splits) == 1 or splits[1].name != "dev":
        header.append("dev: none, so a tenth of train is held out, by training.seed")
    header += ["", *_reasons(config, fitting), "Relative paths: from the working directory, then from here."]
    lines = "\n".join(header).splitlines()
    return "\n".join(f"# {line}".rstrip() for line in lines) + "\n" + to_yaml(config, comments=True)


def _train_command(path: Path) -> str:
    return f"rnner train --config {shlex.quote(str(path))} --output {shlex.quote(f'runs/{path.stem}')}"


def _found(split: Split, config: Config) -> Iterator[str]:
    """What is in a file: its size, its entities, how they are written."""
    layout = _layout(split, config)
    entities = Counter(span.label for spans in split.all_spans() for span in spans)
    types = ", ".join(f"{label} {count:,}" for label, count in entities.most_common())
    yield f"{split.name}: {getattr(config.data, split.name)}"
    yield f"  {_number(len(split), 'sentence')}, {_number(int(split.lengths.sum()), 'token')}"
    yield f"  entities: {entities.total():,}" + (f" ({types})" if types else "")
    yield f"  tags: {split.scheme}; {layout}"
    if split.repaired is not None:
        yield f"  illegal tags: {split.repaired.times:,}, the first in line {split.repaired.line}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _layout(split: Split, config: Config) -> str:
    """The columns of a file, counted from 0; the format if it is no column file."""
    from rnner.data.formats.columns import ConllReader
    from rnner.data.formats.detect import detect_format

    columns = config.data.columns
    if columns is None and (form := detect_format(split.path)) != "columns":
        return f"format {form}"
    reader = ConllReader(split.path, columns=columns.model_dump() if columns is not None else None)
    next(iter(reader))
    layout = reader.layout
    by = "tabs" if layout.separator == "\t" else "spaces"
    return (
        f"{_number(layout.width, 'column')} by {by}: words in {layout.token}, tags in {layout.tag} (from 0)"
    )


def _reasons(config: Config, fitting: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Why some settings are not the defaults; nothing about those that the user set otherwise."""
    if "data" in fitting and config.data.scheme == "binary":
        yield "data.scheme: the labels are 1 and 0, names and the rest, so that is what is learnt."
    if config.embeddings.document and config.embeddings.lexicon:
        yield "embeddings.document, lexicon: have helped on every corpus that rnner was measured on."
    if config.agreement == _AGREEMENT:
        yield "agreement: names are told by all of their document; nothing is lost where none are marked."
    chosen, training = fitting.get("training"), config.training
    if chosen and (training.epochs, training.patience) == (chosen["epochs"], chosen["patience"]):
        yield "training.epochs: more than usual, as the corpus is small and an epoch has few steps;"
        yield "training.patience: ends it when dev has long stopped getting better."


def _check_free(output: Path | None, overwrite: bool) -> None:
    """Raise UsageError if the output cannot be written without losing something."""
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"{output}: is a folder; --output takes a file, such as {output / 'my.yaml'}")
    if output.exists() and not overwrite:
        raise UsageError(f"{output}: is there already; --overwrite replaces it, or choose another --output")


def _write(output: Path, text: str, overwrite: bool) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
