"""Data sets on the Hugging Face Hub, by name: `hf:owner/name:train`, or `hf:owner/name/subset:train`.

dataset_files.py downloads the data files; the library `datasets` finds and reads them. Only Parquet, JSON
and Arrow files are read; code that comes with a data set is never run. HF_ENDPOINT sets the address of the
Hub; with HF_HUB_OFFLINE=1 only the cache is read.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.dataset_files import DatasetFiles, open_repository
from rnner.errors import ConfigError, did_you_mean
from rnner.system.hub_repository import endpoint
from rnner.system.web import WebError

if TYPE_CHECKING:  # slow to import
    from datasets import Dataset, DatasetBuilder

PREFIX = "hf:"
_NAME = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)(?:/(?P<subset>[\w.-]+))?(?::(?P<split>[\w.-]+))?")
_FILE_TYPES = {"parquet": "Parquet", "json": "JSON", "arrow": "Arrow"}


class HubName(NamedTuple):
    """The name of a data set on the Hub; if no subset or split is named, the data set must have only one."""

    repository: str
    subset: str | None
    split: str | None

    def __str__(self) -> str:
        subset = "" if self.subset is None else f"/{self.subset}"
        return PREFIX + self.repository + subset + ("" if self.split is None else f":{self.split}")


def is_name(source: str | os.PathLike[str]) -> bool:
    """Return whether this is the name of a data set on the Hub rather than a path."""
    return os.fspath(source).startswith(PREFIX)


def parse(source: str | os.PathLike[str]) -> HubName:
    """Return the parts of a name; raise ConfigError for an invalid one."""
    match = _NAME.fullmatch(os.fspath(source))
    if match is None:
        expected = "hf:owner/name:split or hf:owner/name/subset:split"
        raise ConfigError([f"{os.fspath(source)}: a data set on the Hub must be named as {expected}"])
    return HubName(*match.group("repository", "subset", "split"))


def load(source: SourceFile) -> Dataset:
    """Return the data set that `source.path` names, downloaded unless it is in the cache.

    Raises DataError if the data set, subset or split does not exist or is ambiguous, if its files are of
    another type, and if the Hub cannot be reached.
    """
    import datasets

    name = parse(source.path)
    datasets.disable_progress_bars()  # problems are reported as one error
    datasets.logging.set_verbosity(logging.CRITICAL)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    files = _open(source, name)
    _download(source, files, _builder(source, name, files.folder))
    builder = _builder(source, name, files.folder)  # again, with the downloaded files
    split = _choose(source, name, "split", builder.config.data_files or builder.info.splits or ())
    try:
        builder.download_and_prepare()
        return builder.as_dataset(split=split)
    except Exception as error:  # the file readers each raise their own types
        raise source.error(f"the data files cannot be read: {_reason(error)}") from None


def _open(source: SourceFile, name: HubName) -> DatasetFiles:
    """Return the folder of the data set; its data files may still be empty."""
    try:
        files = open_repository(name.repository)
    except WebError as error:
        if error.status in (401, 403, 404):
            advice = "if it is private or gated, log in first: hf auth login"
            raise source.error(f"{endpoint()} has no data set of that name; {advice}") from None
        problem = "does not respond" if error.status is None and error.temporary else "returned an error"
        advice = "to read only the cache, set HF_HUB_OFFLINE=1"
        raise source.error(f"{endpoint()} {problem}: {error}; {advice}") from None
    except OSError as error:
        raise source.error(f"the cache cannot be written: {_reason(error)}; set RNNER_CACHE") from None
    if files is None:
        raise source.error("it is not in the cache; unset HF_HUB_OFFLINE to download it")
    script = f"{name.repository.partition('/')[2]}.py"
    if files.files is not None and script in files.files:
        raise source.error(
            "reading it requires code from the repository, which rnner never runs; only data files are "
            f"supported (it has {script})"
        )
    return files


def _download(source: SourceFile, files: DatasetFiles, builder: DatasetBuilder) -> None:
    """Download the data files of a subset."""
    try:
        files.complete(path for paths in (builder.config.data_files or {}).values() for path in paths)
    except (WebError, ValueError, KeyError) as error:
        raise source.error(f"the data files cannot be downloaded: {_reason(error)}") from None
    except OSError as error:
        raise source.error(f"the cache cannot be written: {_reason(error)}; set RNNER_CACHE") from None


def _builder(source: SourceFile, name: HubName, folder: Path) -> DatasetBuilder:
    """Return the builder that reads the data set; nothing is read yet."""
    import datasets

    try:
        builder = datasets.load_dataset_builder(str(folder), name.subset)
    except ValueError as error:  # most likely an unknown or missing subset
        known = datasets.get_dataset_config_names(str(folder))
        _choose(source, name, "subset", known)
        raise source.error(_reason(error)) from None
    except Exception as error:
        raise source.error(f"it has no data files that can be read: {_reason(error)}") from None
    if builder.name not in _FILE_TYPES:
        types = ", ".join(_FILE_TYPES.values())
        raise source.error(f"its files are of the type {builder.name}; only {types} files can be read")
    return builder


def _choose(source: SourceFile, name: HubName, kind: str, known: Iterable[object]) -> str:
    """Return the `subset` or `split` (`kind`) that `name` gives, or the only one; else raise DataError."""
    names, given = [str(one) for one in known], getattr(name, kind)
    if given in names or (given is None and len(names) == 1):
        return names[0] if given is None else str(given)
    available = f"the {kind}s are {', '.join(names)}"
    if given is not None:
        raise source.error(f"{kind} {given} not found{did_you_mean(given, names)}; {available}")
    raise source.error(f"{available}; name one, such as {name._replace(**{kind: names[0]})}")


def _reason(error: BaseException) -> str:
    """Return the message of an error, or of its cause, in one short line."""
    message = " ".join(str(error.__cause__ or error).split())
    return message[:200] or type(error).__name__
