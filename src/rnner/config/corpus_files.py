"""The files of a corpus in a config: one file, or a list of files with what is annotated in each."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, WrapValidator

from rnner.errors import did_you_mean


class Section(BaseModel):
    """A section of the config: immutable, strictly typed, no unknown keys.

    Users see the description of each key in configs and in docs/config.md.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ColumnsConfig(Section):
    """Columns of a table: numbers from 0 (negative ones count from the end), or names in a CSV header."""

    token: int | str | None = Field(None, description="column of the word; null: detected")
    tag: int | str | None = Field(None, description="column of the tag; null: detected")


class FileConfig(Section):
    """A file of a corpus."""

    path: str = Field(min_length=1, description="the file, hf:owner/name:split, or sample:train")
    labels: list[str] | None = Field(
        None,
        min_length=1,
        description="the labels that are annotated in the file; O says nothing about others; null: all",
    )
    map: dict[str, str] = Field({}, description="new label by label of the file; an empty one drops entities")
    weight: float = Field(
        1.0, gt=0, le=100, description="sentences per epoch as a share of the file's; train only"
    )


Files = str | list[str | FileConfig]
"""One file, or several."""


def file_list(files: Files | None) -> list[FileConfig]:
    """Return the files of a key of the section `data`."""
    given = [] if files is None else [files] if isinstance(files, str) else files
    return [FileConfig(path=file) if isinstance(file, str) else file for file in given]


def names_of(files: Files | None) -> str:
    """Return the paths of the files, with commas between them."""
    return ", ".join(file.path for file in file_list(files))


def _check(value: Any, *, optional: bool, weighted: bool) -> Files | None:
    if (value is None and optional) or isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        raise ValueError(f"must be text or a list of files, got {reprlib.repr(value)}")
    files = [_check_file(number, item) for number, item in enumerate(value, 1)]
    for number, file in enumerate(files, 1):
        if isinstance(file, FileConfig) and file.weight != 1 and not weighted:
            raise ValueError(f"file {number} ({file.path}): weight: only training files have a weight")
    return files


def _check_file(number: int, item: Any) -> str | FileConfig:
    if isinstance(item, str | FileConfig):
        return item
    if not isinstance(item, dict):
        raise ValueError(f"file {number}: must be text or {{path: ...}}, got {reprlib.repr(item)}")
    try:
        return FileConfig.model_validate(item)
    except ValidationError as error:
        name = f" ({item['path']})" if isinstance(item.get("path"), str) else ""
        problems = "; ".join(map(_problem, error.errors(include_url=False)))
        raise ValueError(f"file {number}{name}: {problems}") from None


def _problem(detail: Any) -> str:
    key = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        keys = FileConfig.model_fields
        hint = did_you_mean(key, list(keys)) or f"; the keys are {', '.join(keys)}"
        return f"{key}: unknown key{hint}"
    if detail["type"] == "missing":
        return f"{key}: missing but required"
    got = reprlib.repr(detail.get("input"))
    return f"{key}: {detail['msg'].replace('Input should be', 'must be')}, got {got}"


def _validator(*, optional: bool, weighted: bool) -> Callable[[Any, Any], Files | None]:
    return lambda value, _: _check(value, optional=optional, weighted=weighted)


_FILE: dict[str, Any] = {"anyOf": [{"type": "string"}, FileConfig.model_json_schema()]}
_FILES: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": _FILE, "minItems": 1}]}
_FILES_OR_NULL: dict[str, Any] = {"anyOf": [*_FILES["anyOf"], {"type": "null"}]}

TrainingFiles = Annotated[
    Files, WrapValidator(_validator(optional=False, weighted=True)), WithJsonSchema(_FILES)
]
"""The type of `data.train`."""
ScoredFiles = Annotated[
    Files | None, WrapValidator(_validator(optional=True, weighted=False)), WithJsonSchema(_FILES_OR_NULL)
]
"""The type of `data.dev` and `data.test`."""
