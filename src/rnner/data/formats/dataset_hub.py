"""Data sets on the Hugging Face Hub, by name: `hf:owner/name:train`, or `hf:owner/name/subset:train`.

The library `datasets` finds the data files, fetches them and keeps them in its cache. Nothing but Parquet,
JSON and Arrow files is read: programs that come with a data set are never run. HF_ENDPOINT in the environment
says where the Hub is; with HF_HUB_OFFLINE=1 only what the cache holds is read.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rnner.data.formats.annotated import SourceFile
from rnner.errors import ConfigError, did_you_mean

if TYPE_CHECKING:  # slow to import
    from datasets import Dataset, DatasetBuilder

PREFIX = "hf:"
_FORM = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)(?:/(?P<subset>[\w.-]+))?(?::(?P<split>[\w.-]+))?")
_KINDS = {"parquet": "Parquet", "json": "JSON", "arrow": "Arrow"}
_CACHED = "cache"  # what `datasets` calls a data set that it has kept
_PATIENCE = 10  # seconds until the Hub has to answer


class Name(NamedTuple):
    """What a data set on the Hub is called; without a subset or split, it must have only one."""

    repository: str
    subset: str | None
    split: str | None

    def __str__(self) -> str:
        subset = "" if self.subset is None else f"/{self.subset}"
        return PREFIX + self.repository + subset + ("" if self.split is None else f":{self.split}")


def is_name(source: str | os.PathLike[str]) -> bool:
    """Whether this is no path, but what a data set on the Hub is called."""
    return os.fspath(source).startswith(PREFIX)


def parse(source: str | os.PathLike[str]) -> Name:
    """The parts of a name; raises ConfigError for what is none."""
    match = _FORM.fullmatch(os.fspath(source))
    if match is None:
        wanted = "hf:owner/name:split or hf:owner/name/subset:split"
        raise ConfigError([f"{os.fspath(source)}: data sets on the Hub are written {wanted}"])
    return Name(*match.group("repository", "subset", "split"))


def load(source: SourceFile) -> Dataset:
    """The data set that `source.path` names, fetched unless it is in the cache.

    Raises DataError for a data set, subset or split that is not there, for several of which none is named,
    for files of another kind, and if the Hub cannot be reached.
    """
    name = parse(source.path)
    _silence()
    _find(source, name)
    builder = _builder(source, name)
    split = _chosen(source, name, "split", builder.config.data_files or builder.info.splits or ())
    try:
        builder.download_and_prepare()
        return builder.as_dataset(split=split)
    except Exception as error:  # the network and the readers of files each have their own kinds
        raise source.error(f"the data files cannot be read: {_reason(error)}") from None


def _silence() -> None:
    """What the libraries have to say on the way is told as one error, or need not be told."""
    import datasets

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def _find(source: SourceFile, name: Name) -> None:
    """Raises DataError unless the Hub has the data set; `datasets` would try for long before it says so."""
    import datasets
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    if os.path.exists(name.repository):
        there = f"here is a folder {name.repository}, which the library `datasets` would take for it"
        raise source.error(f"{there}; call rnner from another folder")
    if datasets.config.HF_HUB_OFFLINE:
        return
    api = HfApi()
    try:
        api.dataset_info(name.repository, timeout=_PATIENCE)
    except (RepositoryNotFoundError, HFValidationError):
        advice = "if it is private or has conditions, log in first: hf auth login"
        raise source.error(f"{api.endpoint} has no such data set; {advice}") from None
    except Exception as error:
        advice = "HF_HUB_OFFLINE=1 reads what was fetched before"
        raise source.error(f"{api.endpoint} gives no answer: {_reason(error)}; {advice}") from None


def _builder(source: SourceFile, name: Name) -> DatasetBuilder:
    """What reads the data set's files; none are fetched yet."""
    import datasets

    try:
        builder = datasets.load_dataset_builder(name.repository, name.subset)
    except ValueError as error:  # about the subset, most likely
        known = datasets.get_dataset_config_names(name.repository)
        _chosen(source, name, "subset", known)
        raise source.error(_reason(error)) from None
    except ConnectionError:
        advice = "unset HF_HUB_OFFLINE to fetch it"
        raise source.error(f"it is not in the cache of `datasets`; {advice}") from None
    except RuntimeError as error:
        told = "it has a program that reads it, but such are never run"
        raise source.error(f"{told}; data files are wanted ({_reason(error)})") from None
    except Exception as error:
        raise source.error(f"no data files that can be read: {_reason(error)}") from None
    if builder.name not in (*_KINDS, _CACHED):
        kinds = ", ".join(_KINDS.values())
        raise source.error(f"its files are of the kind {builder.name}; {kinds} files can be read")
    return builder


def _chosen(source: SourceFile, name: Name, what: str, known: Iterable[object]) -> str:
    """The `subset` or `split` of `known` that is wanted, or the only one; else raises DataError."""
    names, wanted = [str(one) for one in known], getattr(name, what)
    if wanted in names or (wanted is None and len(names) == 1):
        return names[0] if wanted is None else str(wanted)
    told = f"the {what}s are {', '.join(names)}"
    if wanted is not None:
        raise source.error(f"there is no {what} {wanted}{did_you_mean(wanted, names)}; {told}")
    raise source.error(f"{told}; name one, as in {name._replace(**{what: names[0]})}")


def _reason(error: BaseException) -> str:
    """What an error says, or what it came from, in one short line."""
    told = " ".join(str(error.__cause__ or error).split())
    return told[:200] or type(error).__name__
