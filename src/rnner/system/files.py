"""Atomic writes: a reader sees the old file or the new one, never half of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import, and only `write_tensors` needs it
    from torch import Tensor


def write_atomically(path: Path, data: bytes | str) -> None:
    """Put `data` (text as UTF-8) into the file `path` so that no reader ever sees half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    _replace(partial, path)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """The same for tensors, in safetensors' format; OSError if they cannot be written."""
    partial = path.with_name(path.name + ".partial")
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        partial.unlink(missing_ok=True)
        partial.touch()
        mode = partial.stat().st_mode  # as the umask wants it; safetensors lets nobody but the owner read
        save_file(held, partial, metadata)
        partial.chmod(mode)
    except (SafetensorError, OSError) as error:  # SafetensorError: so safetensors calls a full disk
        raise OSError(f"{path}: cannot be written ({error})") from None
    _replace(partial, path)


def _replace(partial: Path, path: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
