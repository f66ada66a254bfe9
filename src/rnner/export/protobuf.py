"""Zero-copy reading of protocol buffers, to check a file before a runtime opens it.

This module knows only the wire format (https://protobuf.dev/programming-guides/encoding). Callers name the
fields that they expect; unless they allow others, any other field is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Field = Any  # an int, or a memoryview of bytes, a string, a message or packed numbers

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED = {_FIXED_64: 8, _FIXED_32: 4}


def read_message(message: memoryview, names: Mapping[int, str], *, others: bool = False) -> dict[str, Field]:
    """Return the fields of a message by name. Repeated fields are lists.

    Args:
        message: the bytes of the message.
        names: the name of each field, by field number. A `*` at the end of a name, which is removed, marks a
            repeated field.
        others: whether to skip fields that are not in `names`.

    Raises:
        ValueError: the message is truncated, has an unexpected field, or has a field twice that is not a
            repeated field.
    """
    found: dict[str, Field] = {name[:-1]: [] for name in names.values() if name.endswith("*")}
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _value(message, at, key & 7)
        name = names.get(key >> 3)
        if name is None:
            if not others:
                raise ValueError(f"field {key >> 3} is unexpected")
        elif name.endswith("*"):
            found[name[:-1]].append(value)
        elif name in found:
            raise ValueError(f"field {key >> 3} occurs twice")
        else:
            found[name] = value
    return found


def integers(values: list[Field]) -> list[int]:
    """Return the values of a repeated integer field, packed or not, as signed integers."""
    numbers: list[int] = []
    for value in values:
        if isinstance(value, int):
            numbers.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            numbers.append(number)
    return [signed(number) for number in numbers]


def signed(number: int) -> int:
    """Convert a varint to the signed 64-bit integer that it represents."""
    return number - (1 << 64) if number >> 63 else number


def text(value: Field) -> str:
    """Return a string field."""
    if not isinstance(value, memoryview):
        raise ValueError("a string is expected")
    return str(value, "utf-8")


def _value(message: memoryview, at: int, kind: int) -> tuple[Field, int]:
    if kind == _VARINT:
        return _varint(message, at)
    if kind == _BYTES:
        size, at = _varint(message, at)
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise ValueError("it is not a protocol buffer")
    if at + size > len(message):
        raise ValueError("it is truncated")
    return message[at : at + size], at + size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 70:
        if at >= len(message):
            raise ValueError("it is truncated")
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ValueError("it is not a protocol buffer")
