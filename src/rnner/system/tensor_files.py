"""Safetensors files with the SHA-256 of their content in the header.

The digest covers the names, types, shapes and bytes of all tensors and the rest of the metadata. Since it is
in the file itself, both are replaced in one step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from rnner.system.files import atomic_replace

_DIGEST = "sha256"


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a safetensors file, atomically and with their digest.

    Raises:
        OSError: the file cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = dict(metadata or {})
    header[_DIGEST] = _digest(contiguous, header)
    try:
        with atomic_replace(path) as partial:
            partial.touch()
            mode = partial.stat().st_mode  # as the umask sets it; safetensors makes its files private
            save_file(contiguous, partial, header)
            partial.chmod(mode)
    except (SafetensorError, OSError) as error:  # safetensors raises SafetensorError if the disk is full
        raise OSError(f"{path}: cannot be written ({error})") from None


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a file that `write_tensors` wrote.

    Raises:
        ValueError: the file is not a safetensors file, has no digest, or was changed since it was written.
        OSError: the file cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    except RuntimeError as error:  # PyTorch cannot open the file
        raise OSError(str(error)) from None
    if _DIGEST not in metadata:
        raise ValueError("has no checksum")
    if has_changed(tensors, metadata):
        raise ValueError("the content does not match its checksum")
    del metadata[_DIGEST]
    return tensors, metadata


def stored_checksum(path: Path) -> str | None:
    """Return the checksum in a file's header, or None. Only `read_tensors` compares it with the content."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(_DIGEST)
    except (SafetensorError, RuntimeError, OSError):  # PyTorch raises RuntimeError
        return None


def has_changed(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bool:
    """Return whether a safetensors file has a checksum that does not match its content."""
    rest = {name: value for name, value in metadata.items() if name != _DIGEST}
    return _DIGEST in metadata and _digest(tensors, rest) != metadata[_DIGEST]


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    layout = {name: (str(tensor.dtype), list(tensor.shape)) for name, tensor in tensors.items()}
    digest = hashlib.sha256(json.dumps([layout, dict(metadata)], sort_keys=True).encode())
    for _, tensor in sorted(tensors.items()):
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]  # has a buffer
    return digest.hexdigest()
