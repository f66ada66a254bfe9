"""Write docs/config.md, the reference of all config keys, from the config's own classes.

python scripts/config_reference.py
"""

from __future__ import annotations

from pathlib import Path

from rnner.config import Config, section_at, walk

HEAD = """\
# Config reference

Written by `python scripts/config_reference.py`; the same texts stand beside the keys that
`rnner config init` writes.
"""


def reference() -> str:
    """The page: a table for each section."""
    sections: dict[str, list[str]] = {}
    for key, description, default in walk(Config):
        section, _, name = key.rpartition(".")
        shown = "required" if default is ... or "Undefined" in repr(default) else f"`{_yaml(default)}`"
        sections.setdefault(section, []).append(
            f"| `{name}` | {shown} | {description.replace('|', chr(92) + '|')} |"
        )
    parts = [HEAD]
    for section, rows in sections.items():
        about = (section_at(section.split(".")).__doc__ or "").strip().splitlines()[0] if section else ""
        parts += [
            f"\n## {f'`{section}`' if section else 'At the top'}\n\n{about}\n".replace("\n\n\n", "\n\n")
        ]
        parts += ["\n| key | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"]
    return "".join(parts)


def _yaml(value: object) -> str:
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


if __name__ == "__main__":
    Path(__file__).parent.parent.joinpath("docs", "config.md").write_text(reference(), encoding="utf-8")
