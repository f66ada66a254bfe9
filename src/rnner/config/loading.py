"""From YAML and overrides to a checked config."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rnner.config.problems import describe, explain
from rnner.config.sections import Config, characters_shorthand
from rnner.config.strict_yaml import parse_yaml
from rnner.errors import ConfigError, UsageError


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
    tree = parse_yaml(text, str(path))
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigError(
            [f"must hold sections ({', '.join(Config.model_fields)}), got {describe(tree)}"], path
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
        problems += [explain(detail) for detail in error.errors(include_url=False)]
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
        value = parse_yaml(text, f"--set {key}")
    except ConfigError as error:
        problems.append(str(error))
        return tree
    tree = dict(tree)
    branch = tree
    for name in sections:
        below = branch.get(name)
        if name == "characters":
            below = characters_shorthand(below)
        if not isinstance(below, dict | None):
            problems.append(f"--set {override}: {name} is {describe(below)}, not a section")
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
