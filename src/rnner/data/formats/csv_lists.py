"""Lists in the cells of a table, as Python, JSON or NumPy write them, or words separated by white space."""

from __future__ import annotations

import ast
import re

_BRACKETS = {"[": "]", "(": ")"}
_ITEM = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"()\[\]{}]+)\s*,?""", re.DOTALL)


def is_list(cell: str) -> bool:
    """Return whether a cell looks like a list: it has brackets around it."""
    cell = cell.strip()
    return len(cell) > 1 and _BRACKETS.get(cell[0]) == cell[-1]


def parse_list(cell: str) -> list[str] | None:
    """Return the items of a list, or the words of a cell without brackets; None for an invalid list.

    >>> parse_list("['Ada' 'wrote']")
    ['Ada', 'wrote']
    >>> parse_list("Ada wrote")
    ['Ada', 'wrote']
    """
    cell = cell.strip()
    if not is_list(cell):
        return cell.split()
    items, position = [], 1
    while position < len(cell) - 1:
        match = _ITEM.match(cell, position, len(cell) - 1)
        if match is None:
            return [] if not cell[1:-1].strip() else None
        items.append(match[1])
        position = match.end()
    return _unquoted(items)


def _unquoted(items: list[str]) -> list[str] | None:
    try:
        return [str(ast.literal_eval(item)) if item[0] in "'\"" else item for item in items]
    except (SyntaxError, ValueError):
        return None
