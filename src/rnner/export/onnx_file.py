"""Reading the metadata and the checksum of an ONNX file without a runtime.

The metadata holds the SHA-256 of the whole file, computed with 64 zeros in place of the checksum. Files
written by older versions have no checksum.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from rnner.export.protobuf import read_message, text

CHECKSUM_KEY = "rnner.sha256"
NO_CHECKSUM = "0" * 64
_ENTRY = CHECKSUM_KEY.encode() + b"\x12\x40"  # the key, then the tag and the length of its value

_MODEL = {1: "ir_version", 7: "graph", 8: "opsets*", 14: "metadata*"}
_STRICT_MODEL = {**_MODEL, 2: "producer_name", 3: "producer_version"}
_METADATA = {1: "key", 2: "value"}


class OnnxFile(NamedTuple):
    """The parts of an ONNX file."""

    content: memoryview
    graph: memoryview
    opsets: list[memoryview]
    metadata: dict[str, str]

    @property
    def checksum(self) -> str:
        """The checksum that the file states; `NO_CHECKSUM` if it has none."""
        return self.metadata.get(CHECKSUM_KEY, NO_CHECKSUM)

    def check_checksum(self) -> None:
        """Raise a ValueError if the file does not match its checksum; a file without one passes."""
        if self.checksum != NO_CHECKSUM and checksum(self.content) != self.checksum:
            raise ValueError("the content does not match its checksum")

    def check_fields(self) -> None:
        """Raise a ValueError if the file has fields that `rnner export` does not write, such as functions."""
        read_message(self.content, _STRICT_MODEL)


def read_onnx(content: bytes | memoryview) -> OnnxFile:
    """Read the parts of an ONNX file. Other fields, which models not from rnner may have, are skipped.

    Raises:
        ValueError: the content is not an ONNX model.
    """
    view = memoryview(content)
    model = read_message(view, _MODEL, others=True)
    if "ir_version" not in model or not isinstance(model.get("graph"), memoryview):
        raise ValueError("it is not an ONNX model")
    entries = [read_message(entry, _METADATA) for entry in model["metadata"]]
    metadata = {text(entry["key"]): text(entry["value"]) for entry in entries}
    return OnnxFile(view, model["graph"], model["opsets"], metadata)


def checksum(content: bytes | memoryview) -> str:
    """Return the SHA-256 of a file, computed as if the checksum stored in it, if any, were all zeros."""
    view, place = memoryview(content), _place(content)
    digest = hashlib.sha256(view[:place])
    if place < len(view):
        digest.update(NO_CHECKSUM.encode())
        digest.update(view[place + len(NO_CHECKSUM) :])
    return digest.hexdigest()


def with_checksum(content: bytes) -> bytes:
    """Return a file with its checksum filled in. Its metadata must contain `NO_CHECKSUM` as a placeholder."""
    place = _place(content)
    return content[:place] + checksum(content).encode() + content[place + len(NO_CHECKSUM) :]


def _place(content: bytes | memoryview) -> int:
    """Return the offset of the checksum, or the length of the file if it has none."""
    whole = content if isinstance(content, bytes) else content.obj
    found = whole.rfind(_ENTRY)  # type: ignore[attr-defined]  # bytes or an mmap
    return len(content) if found < 0 else found + len(_ENTRY)
