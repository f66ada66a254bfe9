"""`rnner config`: write a config for a corpus, show a config in full, describe its keys."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli import options
from rnner.cli.console import notice, print_json, print_text
from rnner.cli.output_files import check_output_file, write_output
from rnner.errors import counted
from rnner.system.terminal import printable

if TYPE_CHECKING:
    from rnner.config import Config
    from rnner.data.splits import Split

_AGREEMENT = 0.5


class YamlOrJson(StrEnum):
    """Output format of a config."""

    yaml = "yaml"
    json = "json"


def init(
    file: options.AnnotatedFile,
    dev: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File used to choose the best epoch. [default: a tenth of train]"),
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="File scored once, after training.")
    ] = None,
    vectors: Annotated[
        str | None, typer.Option(metavar="FILE", help="GloVe, word2vec or fastText vectors, in text format.")
    ] = None,
    overrides: options.Overrides = None,
    output: options.OutputFile = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Write a commented config for your own files."""
    check_output_file(output, overwrite)
    sections: dict[str, Any] = {"data": {"train": file, "dev": dev, "test": test}}
    if vectors is not None:
        sections["embeddings"] = {"words": {"vectors": vectors}}
    text = _draft(sections, overrides or [], output or Path("my.yaml"))
    if output is None:
        print_text(text)
        return
    write_output(output, text)
    notice(f"wrote {output}; next: {_train_command(output)}")


def schema() -> None:
    """Print the JSON schema of configs, for editors."""
    from rnner.config import schema as config_schema

    print_json(config_schema())


def show(
    config: options.ConfigName,
    overrides: options.Overrides = None,
    form: Annotated[YamlOrJson, typer.Option("--format", help="Output format.")] = YamlOrJson.yaml,
) -> None:
    """Print a config as a run would use it, with all defaults."""
    from rnner.config import load_config, to_yaml

    resolved = load_config(config, overrides or ())
    if form is YamlOrJson.json:
        print_json(resolved.model_dump(mode="json"))
    else:
        print_text(to_yaml(resolved))


def list_() -> None:
    """List the configs that rnner includes."""
    from rnner.config import bundled_configs, description_of

    configs = bundled_configs()
    width = max(map(len, configs))
    for name, path in configs.items():
        print_text(f"{name:{width}}  {description_of(path)}\n")


# --- the config that `init` writes -------------------------------------------------------------------------


def _draft(sections: dict[str, Any], overrides: list[str], path: Path) -> str:
    """Return a config as YAML: the user's settings, completed with recommended ones."""
    from rnner.config import parse_config, to_yaml
    from rnner.data.corpus import resolve
    from rnner.data.vectors import read_vectors

    given = parse_config(sections, overrides)
    if given.embeddings.words.vectors is not None:
        vectors = read_vectors(resolve(given.embeddings.words.vectors), limit=1)
        overrides = [*overrides, f"embeddings.words.size={vectors.dimension}"]
    splits = _read_splits(given)
    recommended = _recommended(splits[0])
    for section, values in recommended.items():
        sections = {**sections, section: {**sections.get(section, {}), **values}}
    config = parse_config({**sections, "agreement": _AGREEMENT}, overrides)
    header = ["Train with:", "", f"    {_train_command(path)}", ""]
    header += [line for split in splits for line in _summary(split, config)]
    if len(splits) == 1 or splits[1].name != "dev":
        header.append("dev: none; a tenth of train is held out, chosen by training.seed")
    header += ["", *_reasons(config, recommended)]
    header.append("Relative paths are looked up in the working directory, then in the folder of this file.")
    comment = "".join(f"# {printable(line)}".rstrip() + "\n" for line in header)
    return comment + to_yaml(config, comments=True)


def _read_splits(config: Config) -> list[Split]:
    """Read the files of a config as training does; train comes first."""
    from rnner.config.corpus_files import file_list
    from rnner.data.corpus import read_split, resolve

    data = config.data
    columns = data.columns.model_dump(exclude_none=True) if data.columns is not None else None
    return [
        read_split(
            resolve(file.path), columns=columns, illegal=data.illegal_tags, unknown=data.unknown, name=name
        )
        for name, files in (("train", data.train), ("dev", data.dev), ("test", data.test))
        for file in file_list(files)
    ]


def _recommended(train: Split) -> dict[str, dict[str, Any]]:
    """Return settings that suit the corpus better than the defaults, by section."""
    settings: dict[str, dict[str, Any]] = {"embeddings": {"document": True, "lexicon": True}}
    if train.scheme == "binary":
        settings["data"] = {"scheme": "binary"}
    # Fewer sentences mean fewer steps per epoch; more epochs make up for it, and patience stops it early.
    if len(train) < 1_000:
        settings["training"] = {"epochs": 100, "patience": 25}
    elif len(train) < 5_000:
        settings["training"] = {"epochs": 60, "patience": 20}
    return settings


def _train_command(path: Path) -> str:
    return f"rnner train --config {shlex.quote(str(path))} --output {shlex.quote(f'runs/{path.stem}')}"


def _summary(split: Split, config: Config) -> Iterator[str]:
    """Yield lines that describe a file: its size, entities, tags and format."""
    from rnner.data.corpus import segmentation_note

    layout = _layout(split, config)
    entities = Counter(span.label for spans in split.all_spans() for span in spans)
    types = ", ".join(f"{label} {count:,}" for label, count in entities.most_common())
    files = getattr(config.data, split.name)
    yield f"{split.name}: {files if isinstance(files, str) else split.path}"
    yield f"  {counted(len(split), 'sentence')}, {counted(int(split.lengths.sum()), 'token')}"
    yield f"  entities: {entities.total():,}" + (f" ({types})" if types else "")
    yield f"  tags: {split.scheme}; {layout}"
    notes = list(split.notes)
    if split.name == "train" and (note := segmentation_note(split, config.text.tokenizer)):
        notes.append(note)
    yield from (f"  note: {note}" for note in notes)
    if split.illegal_tags is not None:
        yield f"  illegal tags: {split.illegal_tags.times:,}, first in line {split.illegal_tags.line}"


def _layout(split: Split, config: Config) -> str:
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.columns import ConllReader
    from rnner.data.formats.detect import format_of

    columns = config.data.columns
    source = SourceFile(split.path, columns.model_dump(exclude_none=True) if columns is not None else None)
    if (form := format_of(source)) != "conll":
        return f"format {form}"
    reader = ConllReader(split.path, columns=source.column_numbers)
    next(iter(reader))
    layout = reader.layout
    separator = "tabs" if layout.separator == "\t" else "spaces"
    columns_found = f"{counted(layout.width, 'column')} separated by {separator}"
    return f"{columns_found}: words in column {layout.token}, tags in column {layout.tag}, counted from 0"


def _reasons(config: Config, recommended: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Explain why recommended settings differ from the defaults; skip those that the user has overridden."""
    if "data" in recommended and config.data.scheme == "binary":
        yield "data.scheme: the labels are 1 (name) and 0 (no name), so the model predicts only these."
    if config.embeddings.document and config.embeddings.lexicon:
        yield "embeddings.document, lexicon: improved the scores on every corpus that was tested."
    if config.agreement == _AGREEMENT:
        yield "agreement: uses all occurrences of a name in its document; no effect without marked documents."
    training, settings = config.training, recommended.get("training")
    if settings and (training.epochs, training.patience) == (settings["epochs"], settings["patience"]):
        yield "training.epochs: higher than the default, because a small corpus has few steps per epoch;"
        yield "training.patience: stops training when dev no longer improves."
