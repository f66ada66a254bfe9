"""Downloads of a data set from the Hub into a folder that the library `datasets` can read.

`datasets` infers from the file names and the README which files belong to which subset and split. So the
folder first gets the README, and empty files in place of the data files; then the files of one subset are
downloaded. `datasets` itself downloads nothing, because it would let the server choose paths in its cache.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rnner.system.files import atomic_replace
from rnner.system.hub_repository import HubFile, Repository, is_offline
from rnner.system.web import WebError

_README = "README.md"
_DESCRIPTIONS = {_README: 2 << 20, "dataset_infos.json": 8 << 20}  # limits in bytes
_MAX_DEPTH = 100  # of brackets in the README's YAML, since PyYAML's time per token grows with it
_MAX_NODES = 1_000_000  # values in that YAML, with aliases expanded
_LONGEST_NAME = 250  # characters
_PART = re.compile(r"(?!\.)[^/\\:]+")  # one part of a path: neither `..` nor hidden


class DatasetFiles(NamedTuple):
    """A folder with the files of a commit. `files` is their listing, or None when offline."""

    repository: Repository
    folder: Path
    files: dict[str, HubFile] | None

    def complete(self, paths: Iterable[str]) -> None:
        """Download the given files of the folder that are still empty.

        Raises:
            WebError: a file cannot be downloaded or, when offline, is not in the cache.
            OSError: the folder cannot be written.
            ValueError: a path is not in the folder.
        """
        wanted = {Path(path).relative_to(self.folder).as_posix(): Path(path) for path in paths}
        if not all(map(_is_safe, wanted)):
            raise ValueError("a data file is outside the repository")
        missing = {name: path for name, path in wanted.items() if path.stat().st_size == 0}
        if self.files is None:
            if missing:
                raise WebError(f"{min(missing)} is not in the cache; unset HF_HUB_OFFLINE to download it")
            return
        size = sum(self.files[name].size or 0 for name in missing)
        if size > shutil.disk_usage(self.folder).free:
            raise WebError(f"its files need {size / 1e9:,.1f} GB, more than is free on the disk")
        for name, path in missing.items():
            with atomic_replace(path) as partial:
                self.repository.download(self.folder.name, name, self.files[name], partial)


def open_repository(name: str) -> DatasetFiles | None:
    """Return the folder of a data set, whose data files may be empty; None if offline and not cached.

    Raises:
        WebError: the Hub does not answer, or its list of files or the README is not valid.
        OSError: the cache cannot be written.
    """
    repository = Repository("datasets", name)
    if is_offline():
        cached = repository.cached()
        if cached is None or not cached.is_dir():
            return None
        return DatasetFiles(repository, cached.resolve(), None)
    commit, files = repository.list_files()
    if not repository.folder(commit).is_dir():
        with repository.new_folder(commit) as folder:
            for path in (folder / file for file in files if _is_safe(file)):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            for file in _DESCRIPTIONS.keys() & files.keys():
                if (files[file].size or 0) > _DESCRIPTIONS[file]:
                    raise WebError(f"its {file} exceeds the size limit ({_DESCRIPTIONS[file] >> 20} MB)")
                repository.download(commit, file, files[file], folder / file)
            if _README in files:
                _check_readme((folder / _README).read_text(encoding="utf-8", errors="replace"))
    repository.remember(commit)
    return DatasetFiles(repository, repository.folder(commit).resolve(), files)


def _is_safe(name: str) -> bool:
    """Return whether a name is a relative path within the folder, and neither hidden nor Python code."""
    if len(name) > _LONGEST_NAME or not name.isprintable() or name.endswith(".py"):
        return False
    return all(map(_PART.fullmatch, name.split("/")))


def _check_readme(text: str) -> None:
    """Raise a WebError if the README names files on other servers, or its YAML is invalid or too large."""
    import yaml
    from huggingface_hub.repocard import REGEX_YAML_BLOCK

    block = REGEX_YAML_BLOCK.search(text)
    if block is None:
        return
    if _depth(block[2]) > _MAX_DEPTH:
        raise WebError(f"the YAML of its {_README} is nested too deeply")
    try:
        if _expanded(yaml.compose(block[2], yaml.SafeLoader), {}) > _MAX_NODES:
            raise WebError(f"the YAML of its {_README} is too large")
        metadata = yaml.safe_load(block[2])
        configs = metadata.get("configs") if isinstance(metadata, dict) else None
        if any("://" in text or "::" in text for text in _texts(configs)):
            raise WebError(f"its {_README} names data files on other servers")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WebError(
            f"the YAML of its {_README} cannot be read: {' '.join(str(error).split())[:80]}"
        ) from None


def _depth(text: str) -> int:
    """Return the maximum nesting depth of brackets, including those in quotes."""
    depth = deepest = 0
    for bracket in re.findall(r"[][{}]", text):
        depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _expanded(node: Any, known: dict[Any, float]) -> float:
    """Return the number of values in a YAML node, aliases expanded; infinity if it contains itself."""
    if node not in known:
        known[node] = float("inf")
        children = node.value if isinstance(node.value, list) else []
        flat = (child for pair in children for child in (pair if isinstance(pair, tuple) else [pair]))
        known[node] = 1 + sum(_expanded(child, known) for child in flat)
    return known[node]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for below in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(below)
