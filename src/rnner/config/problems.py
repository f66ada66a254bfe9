"""One-line descriptions of the problems in a config."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from typing import Any

from rnner.config.sections import Config, iter_keys, section_at, section_class
from rnner.errors import closest, did_you_mean, shorten


def describe(value: Any) -> str:
    """Return a value, shortened to 60 characters, and its type in words."""
    kinds = {
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
    }
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a section"
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return f"{shown} ({kinds.get(type(value), type(value).__name__)})"


_EXPECTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "model_type": "must be a section (key: value pairs)",
    "model_attributes_type": "must be a section (key: value pairs)",
}


def explain(detail: Any) -> str:
    """Describe one problem that pydantic found."""
    location = [str(part) for part in detail["loc"]]
    key, kind, value = shorten(".".join(location)), detail["type"], detail.get("input")
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        siblings = list(section_at(location[:-1]).model_fields)
        hint = did_you_mean(location[-1], siblings)
        hint = hint or f"{_elsewhere(location[-1])}; keys here: {', '.join(siblings)}"
        return f"{key}: unknown key{hint}"
    if kind == "missing":
        return "; ".join(_required(location))
    if kind == "literal_error":
        options = _literals(location)
        hint = did_you_mean(str(value), options)
        return f"{key}: {describe(value)} is not one of {', '.join(options)}{hint}"
    if kind == "value_error":
        return f"{key}: {shorten(str(context.get('error')), 300)}"
    if kind in _EXPECTED:
        return f"{key}: {_EXPECTED[kind]}, got {describe(value)}"
    return f"{key}: {detail['msg'].replace('Input should be', 'must be')}, got {describe(value)}"


def _required(location: Sequence[str]) -> Iterator[str]:
    """Yield a description of a missing key, or of each required key of a missing section."""
    field = section_at(location[:-1]).model_fields[location[-1]]
    below = section_class(field.annotation)
    if below is None:
        yield f"{'.'.join(location)}: missing but required: {field.description}"
        return
    for name, inner in below.model_fields.items():
        if inner.is_required():
            yield from _required([*location, name])


def _elsewhere(name: str) -> str:
    """Return a hint naming the section that has the unknown key or a similar one."""
    homes: dict[str, list[str]] = {}
    for key, _ in iter_keys(Config):
        homes.setdefault(key.rpartition(".")[2], []).append(key)
    match = closest(name, homes, cutoff=0.8)
    return f" (did you mean {' or '.join(homes[match])}?)" if match is not None else ""


def _literals(location: Sequence[str]) -> list[str]:
    annotation: Any = section_at(location[:-1]).model_fields[location[-1]].annotation
    return [str(option) for option in typing.get_args(annotation)]
