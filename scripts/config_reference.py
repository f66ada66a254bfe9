"""Write docs/config.md, the reference of all config keys, from the config classes.

    python scripts/config_reference.py

Prints nothing. A test checks that docs/config.md is up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rnner.config import Config
from rnner.config.corpus_files import FileConfig, Section
from rnner.config.sections import section_at, section_class

HEAD = """\
# Config reference

Written by `python scripts/config_reference.py`. `rnner config init` writes the same descriptions as comments.
"""
FILES = """
`train`, `dev` and `test` may be lists of files, such as `[a.conll, {path: b.jsonl, labels: [PER]}]`. See
[Partial annotation](partial-annotation.md).

"""
TABLE = ["| key | default | meaning |", "|---|---|---|"]


def reference() -> str:
    """Return the page, one table per section."""
    tables: dict[str, list[str]] = {}
    for key, default, description in _keys(Config):
        section, _, name = key.rpartition(".")
        tables.setdefault(section, []).append(f"| `{name}` | {default} | {description} |")
    parts = [HEAD]
    for section, rows in tables.items():
        about = (section_at(section.split(".")).__doc__ or "").strip().splitlines()[0] if section else ""
        title = f"`{section}`" if section else "Top level"
        parts.append(
            "\n".join(filter(None, [f"\n## {title}\n", about and f"{about}\n", *TABLE, *rows])) + "\n"
        )
        if section == "data":
            parts.append(FILES + "\n".join([*TABLE, *_file_rows()]) + "\n")
    return "".join(parts)


def _file_rows() -> Iterator[str]:
    """Yield a row for each key of a file in a list."""
    for key, default, description in _keys(FileConfig):
        yield f"| `{key}` | {default} | {description} |"


def _keys(section: type[Section], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield key, default and meaning of all keys in a section, including subsections that may be null."""
    for name, field in section.model_fields.items():
        below = section_class(field.annotation)
        if below is None or field.description:
            value = field.get_default(call_default_factory=True)
            shown = (
                "required" if field.is_required() else "see below" if below and value else f"`{_yaml(value)}`"
            )
            yield prefix + name, shown, (field.description or "").replace("|", "\\|")
        if below is not None:
            yield from _keys(below, f"{prefix}{name}.")


def _yaml(value: object) -> str:
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


if __name__ == "__main__":
    Path(__file__).parent.parent.joinpath("docs", "config.md").write_text(reference(), encoding="utf-8")
