"""`rnner config`: write a config for a corpus, show a config in full, describe its keys."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli import options
from rnner.cli.console import notice, print_json, print_text
from rnner.cli.output_files import check_output_file, write_output
from rnner.cli.train_config import data_settings
from rnner.errors import counted
from rnner.system.terminal import printable

if TYPE_CHECKING:
    from rnner.config import Config, Override
    from rnner.data.splits import Split


class YamlOrJson(StrEnum):
    """Output format of a config."""

    yaml = "yaml"
    json = "json"


def init(
    file: options.AnnotatedFile,
    dev: options.DevFile = None,
    test: options.TestFile = None,
    vectors: options.Vectors = None,
    overrides: options.Overrides = None,
    output: options.OutputFile = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Write a commented config for your own files.

    `rnner train FILE` uses the same settings.

    Examples:
        rnner config init sample:train --dev sample:dev --output my.yaml
        rnner train --config my.yaml --dry-run
    """
    check_output_file(output, overwrite)
    files = data_settings(file, dev, test, vectors)
    text = _commented(files, overrides or [], output or Path("my.yaml"))
    if output is None:
        print_text(text)
        return
    write_output(output, text)
    notice(f"wrote {output}; next: {_train_command(output)}")


def schema() -> None:
    """Print the JSON schema of configs, for editors.

    Examples:
        rnner config schema
    """
    from rnner.config import schema as config_schema

    print_json(config_schema())


def show(
    config: options.ConfigName,
    overrides: options.Overrides = None,
    form: Annotated[
        YamlOrJson,
        typer.Option("--format", metavar="yaml|json", help="Output format.", rich_help_panel=options.OUTPUT),
    ] = YamlOrJson.yaml,
) -> None:
    """Print a config as a run would use it, with all defaults.

    Examples:
        rnner config show --config quickstart
        rnner config show --config quickstart --set encoder.cell=gru --format json
    """
    from rnner.config import load_config, to_yaml

    resolved = load_config(config, overrides or ())
    if form is YamlOrJson.json:
        print_json(resolved.model_dump(mode="json"))
    else:
        print_text(to_yaml(resolved))


def list_() -> None:
    """List the configs that rnner includes.

    `--config NAME` accepts their names.

    Examples:
        rnner config list
        rnner config show --config notes
    """
    from rnner.config import bundled_configs, description_of

    configs = bundled_configs()
    width = max(map(len, configs))
    for name, path in configs.items():
        print_text(f"{name:{width}}  {description_of(path)}\n")


# --- the config that `init` writes -------------------------------------------------------------------------


def _commented(files: Sequence[Override], overrides: Sequence[str], path: Path) -> str:
    """Return a config as YAML: the user's settings, completed with recommended ones."""
    from rnner.config import to_yaml
    from rnner.workbench.recommended import read_corpus_files, recommend

    recommended = recommend(files, overrides)
    config = recommended.config
    others = [name for name in ("dev", "test") if getattr(config.data, name) is not None]
    splits = [*recommended.train, *(split for name in others for split in read_corpus_files(config, name))]
    header = ["Train with:", "", f"    {_train_command(path)}", ""]
    header += [line for split in splits for line in _summary(split, config)]
    if config.data.dev is None:
        header.append("dev: none; a tenth of train is held out, chosen by training.seed")
    header += ["", *_reasons(config, recommended.values)]
    header.append("Relative paths are looked up in the working directory, then in the folder of this file.")
    comment = "".join(f"# {printable(line)}".rstrip() + "\n" for line in header)
    return comment + to_yaml(config, comments=True)


def _train_command(path: Path) -> str:
    return f"rnner train --config {shlex.quote(str(path))}"


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


def _reasons(config: Config, recommended: Mapping[str, Any]) -> Iterator[str]:
    """Explain why recommended settings differ from the defaults; skip those that the user has overridden."""
    if "data.scheme" in recommended and config.data.scheme == "binary":
        yield "data.scheme: the labels are 1 (name) and 0 (no name), so the model predicts only these."
    if config.embeddings.document and config.embeddings.lexicon:
        yield "embeddings.document, lexicon: improved the scores on every corpus that was tested."
    if config.agreement == recommended["agreement"]:
        yield "agreement: uses all occurrences of a name in its document; no effect without marked documents."
    training = config.training
    chosen = (recommended.get("training.epochs"), recommended.get("training.patience"))
    if (training.epochs, training.patience) == chosen:
        yield "training.epochs: higher than the default, because a small corpus has few steps per epoch;"
        yield "training.patience: stops training when dev no longer improves."
