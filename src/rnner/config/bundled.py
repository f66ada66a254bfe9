"""Configs that rnner includes, with names such as `quickstart`."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from rnner.errors import UsageError, did_you_mean

_SUFFIXES = (".yaml", ".yml")
_INIT = "`rnner config init FILE` writes one"


def bundled_configs() -> dict[str, Path]:
    """Return the files of the bundled configs by name, in alphabetical order."""
    folder = Path(str(resources.files("rnner") / "resources" / "configs"))
    return dict(sorted((path.stem, path) for path in folder.glob("*.yaml")))


def description_of(config: Path) -> str:
    """Return the first line of a bundled config, a comment, without its `#`."""
    with config.open(encoding="utf-8") as file:
        return file.readline().removeprefix("#").strip()


def find_config(name: Path | str) -> Path:
    """Return the file that `--config` names: a file that exists, otherwise a bundled config.

    Raises:
        UsageError: there is neither; the message contains the closest name.
    """
    path, bundled = Path(name), bundled_configs()
    if os.path.isfile(path) or (os.path.exists(path) and path.name not in bundled):
        return path
    if str(name) in bundled:
        return bundled[str(name)]
    if path.suffix in _SUFFIXES or len(path.parts) != 1:
        known = path.stem in bundled
        advice = f"rnner includes {path.stem}: --config {path.stem}" if known else _INIT
        raise UsageError(f"{path}: config file not found; {advice}")
    raise UsageError(
        f"{name}: unknown config{did_you_mean(str(name), bundled)}; give a YAML file, or a name "
        "from `rnner config list`"
    )


def data_folders(config: Path | str | None) -> list[Path]:
    """Return the folders in which relative paths of a config are looked up after the working directory.

    This is the folder of the file. For a bundled config, or None, there is none.
    """
    if config is None or (path := find_config(config)) in bundled_configs().values():
        return []
    return [path.resolve().parent]
