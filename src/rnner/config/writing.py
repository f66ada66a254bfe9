"""Write a config as YAML, with or without a comment for each key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from rnner.config.corpus_files import Section
from rnner.config.sections import Config
from rnner.config.strict_yaml import Dumper
from rnner.system.terminal import escape_quoted


def to_yaml(config: Config, *, comments: bool = False) -> str:
    """Return the complete config as YAML; `comments` adds the description of each key."""
    return "\n".join(_yaml_lines(config, "", comments)) + "\n"


def _yaml_lines(section: Section, indent: str, comments: bool) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            if not indent and comments:
                yield f"\n# {(type(value).__doc__ or '').strip().splitlines()[0]}"
            described = f"  # {field.description}" if comments and field.description else ""
            yield f"{indent}{name}:{described}"
            yield from _yaml_lines(value, indent + "  ", comments)
            continue
        line = f"{indent}{name}: {_scalar(value)}"
        described = f"{line:<34}  # {field.description}" if comments and field.description else line
        if not indent and comments:
            yield ""
        yield described


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        value = [file if isinstance(file, str) else file.model_dump(exclude_defaults=True) for file in value]
    # Double quotes write a newline as \\n; otherwise multi-line text would run into the comment.
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    options: dict[str, Any] = (
        {"default_flow_style": True, "sort_keys": False} if isinstance(value, list) else {}
    )
    text: str = yaml.dump(
        value, Dumper=Dumper, default_style=style, allow_unicode=True, width=10**6, **options
    )
    return escape_quoted(text.removesuffix("\n").removesuffix("\n..."))
