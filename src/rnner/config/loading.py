"""Load a validated config from YAML and overrides."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rnner.config.bundled import find_config
from rnner.config.problems import describe, explain
from rnner.config.sections import Config, expand_characters
from rnner.config.strict_yaml import parse_yaml
from rnner.errors import SHOWN, ConfigError, UsageError


def load_config(
    path: Path | str, overrides: Sequence[str] = (), *, cells: Collection[str] | None = None
) -> Config:
    """Read a YAML config, apply overrides, and validate the result.

    Args:
        path: the YAML file, or the name of a bundled config, such as `quickstart`.
        overrides: `section.key=value`, as given to `--set`; values are parsed as YAML.
        cells: names of the available cells; None skips the check of cell names.

    Raises:
        ConfigError: lists all problems, with the closest valid key for each unknown one.
        UsageError: the file cannot be read.
    """
    return parse_config(_read_tree(find_config(path)), overrides, source=path, cells=cells)


def load_saved_config(path: Path, *, cells: Collection[str] | None = None) -> Config:
    """Read a config that rnner wrote, such as that of a model folder; see `load_config`.

    It may come from an untrusted source, so environment variables are not expanded: `${NAME}` is plain text.
    """
    return _validate(_read_tree(path), [], path, cells)


def _read_tree(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise UsageError(f"{path}: is a folder; --config takes a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a YAML file: {error}") from None
    tree = parse_yaml(text, str(path))
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigError(
            [f"must contain sections ({', '.join(Config.model_fields)}), got {describe(tree)}"], path
        )
    return tree


def parse_config(
    tree: dict[str, Any],
    overrides: Sequence[str] = (),
    *,
    source: Path | str | None = None,
    cells: Collection[str] | None = None,
) -> Config:
    """Validate a config given as nested dicts; see `load_config`."""
    problems: list[str] = []
    for override in overrides:
        tree = _override(tree, override, problems)
    tree = _expand_variables(tree, "", problems)
    return _validate(tree, problems, source, cells)


def _validate(
    tree: dict[str, Any], problems: list[str], source: Path | str | None, cells: Collection[str] | None
) -> Config:
    """Return the config in a tree, or raise one ConfigError with the given problems and those of the tree."""
    more = 0
    try:
        config = Config.model_validate(tree, context={"cells": cells})
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += map(explain, details[:SHOWN])
        more = len(details[SHOWN:])
    if problems:
        raise ConfigError(problems, source, more=more)
    return config


def _override(tree: dict[str, Any], override: str, problems: list[str]) -> dict[str, Any]:
    """Return a copy of the tree with the override `a.b=value` applied."""
    key, equals, text = override.partition("=")
    *sections, leaf = key.strip().split(".")
    if not equals or not all((*sections, leaf)):
        problems.append(f"--set {override}: expected section.key=value, such as training.epochs=5")
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
            below = expand_characters(below)
        if not isinstance(below, dict | None):
            problems.append(f"--set {override}: {name} is {describe(below)}, not a section")
            return tree
        branch[name] = dict(below or {})
        branch = branch[name]
    branch[leaf] = value
    return tree


def _expand_variables(value: Any, key: str, problems: list[str]) -> Any:
    """Replace environment variables, written ${NAME}, in all text values."""
    if isinstance(value, dict):
        return {
            name: _expand_variables(below, f"{key}.{name}" if key else str(name), problems)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [_expand_variables(below, key, problems) for below in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            problems.append(f"{key}: the environment variable {name} is not set")
        return os.environ.get(name, "")

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", look_up, value)
