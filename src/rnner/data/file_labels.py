"""The labels of one file of a corpus: renamed, dropped, and checked against those that it annotates."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from rnner.config.corpus_files import FileConfig
from rnner.data.splits import Split
from rnner.data.tag_sets import join, members
from rnner.data.token_table import rename
from rnner.errors import ConfigError, did_you_mean

_SCHEME = "bioes"  # in which equal labels never merge two adjacent entities


def with_labels_of(split: Split, file: FileConfig, key: str) -> Split:
    """Return a split with the labels that a config gives to its file.

    Args:
        split: the split; in BIOES if labels are renamed.
        file: the entry in the config.
        key: the key of the list that has it, such as `data.train`.

    Raises:
        ConfigError: the file has entities with labels that `labels` does not list.
    """
    labels = split.labels
    unused = [label for label in file.map if label not in labels]
    split = replace(split, notes=(*split.notes, *(_unused(label, labels) for label in unused)))
    if used := {old: new for old, new in file.map.items() if old in labels}:
        names = {tag: _renamed(tag, used) for tag in split.table.tags.strings}
        split = replace(split, table=replace(split.table, tags=rename(split.table.tags, names)))
    if file.labels is not None and (more := sorted(set(split.labels) - set(file.labels))):
        counts = Counter(span.label for spans in split.all_spans() for span in spans)
        listed = ", ".join(f"{label} ({counts[label]:,})" for label in more)
        advice = f"add them, or drop them with map: {{{more[0]}: ''}}"
        raise ConfigError(
            [f"{key}: {file.path}: labels does not list {listed}, which the file has; {advice}"]
        )
    return split


def _unused(label: str, labels: list[str]) -> str:
    return f"map: no entity has the label {label}{did_you_mean(label, labels)}"


def _renamed(tag: str, labels: dict[str, str]) -> str:
    """Return a BIOES tag, or a set of such tags, with other labels; O for a label that is dropped."""
    found = []
    for member in members(tag, _SCHEME):
        label = labels.get(member[2:], member[2:])
        found.append(f"{member[0]}-{label}" if label else "O")
    return join(found, _SCHEME)
