"""The config of `rnner train`: one given with --config, or settings that suit the file to train on."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnner.cli.console import notice
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.config import Config, Override

_NOTHING_TO_TRAIN_ON = [
    "  rnner train my.conll              your own corpus, in any format",
    "  rnner train --config quickstart   the bundled sample, in half a minute",
    "  rnner train --config my.yaml      a config; `rnner config init` writes one",
]


def data_settings(file: str | None, dev: str | None, test: str | None, vectors: str | None) -> list[Override]:
    """Return the files that a user has named, as settings of a config."""
    named = {
        "data.train": file,
        "data.dev": dev,
        "data.test": test,
        "embeddings.words.vectors": vectors,
    }
    return [(key, name) for key, name in named.items() if name is not None]


def default_folder(file: str | None, config: str | None) -> Path:
    """Return the model folder of a run: runs/NAME, for NAME.conll or else for the config NAME.yaml.

    `sample:train` becomes sample-train.
    """
    if file is None:
        return Path("runs") / Path(config or "").stem
    name = re.sub(r"\W+", "-", os.path.basename(file)) if ":" in file else Path(os.path.abspath(file)).stem
    return Path("runs") / name


def training_config(
    file: str | None,
    config: str | None,
    files: Sequence[Override],
    overrides: Sequence[str],
    base: Config | None,
    *,
    quiet: bool,
) -> Config:
    """Return the config of a run.

    Args:
        file: the file to train on, if named.
        config: the file or name of the config, if given. A bundled config is used without its data files if
            `file` is given.
        files: result of `data_settings`.
        overrides: settings given with --set.
        base: the config of the model that the run continues from.
        quiet: print no notes.

    Raises:
        ConfigError, DataError: a setting or a file is wrong.
    """
    from rnner.config import data_folders, load_config
    from rnner.nn.cells import cell_names
    from rnner.workbench.recommended import recommend

    if config is not None:
        own_data: list[Override] = (
            [] if file is None or data_folders(config) else [("data.dev", None), ("data.test", None)]
        )
        return load_config(config, [*own_data, *files, *overrides], cells=cell_names())
    notice(f"settings: as `rnner config init {shlex.quote(str(file))}` writes them", quiet=quiet)
    return recommend(files, overrides, base=base, cells=cell_names()).config


def check_source(file: str | None, config: str | None) -> None:
    """Check that there is something to train on.

    Raises:
        UsageError: neither a file nor a config is given; or the file is a config, or a pipe, which cannot be
            read twice.
    """
    from rnner.config import bundled_configs

    if file is None:
        if config is None:
            raise UsageError("nothing to train on; give an annotated file or a config:", _NOTHING_TO_TRAIN_ON)
        return
    missing = not os.path.exists(file)
    if file.endswith((".yaml", ".yml")) or (missing and file in bundled_configs()):
        raise UsageError(f"{file}: is a config, not a corpus; use: rnner train --config {shlex.quote(file)}")
    if not missing and stat.S_ISFIFO(os.stat(file).st_mode):
        raise UsageError(f"{file}: is a pipe, but FILE is read several times; save it as a file first")
