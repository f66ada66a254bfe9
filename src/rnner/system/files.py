"""Atomic writes (readers see the old file or the new one, never a partial file), and the cache folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import, and only `write_tensors` needs it
    from torch import Tensor


@contextmanager
def atomic_replace(path: Path, partial: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to; when the block ends, what was written there replaces `path` in one step.

    If the block raises, `path` stays as it was and the partial file or folder is removed. To write several
    files, all or none, enter one `atomic_replace` per file in an `ExitStack`.

    Args:
        path: the file (or new folder) to create or replace. Its parent must exist.
        partial: where to write, on the same file system; by default `path` with `.partial` appended.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "scores.json"
        >>> with atomic_replace(target) as partial:
        ...     _ = partial.write_text("{}")
        >>> target.read_text()
        '{}'
    """
    partial = partial or path.with_name(path.name + ".partial")
    try:
        yield partial
        if partial.is_file():
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to the file `path`, atomically."""
    with atomic_replace(path) as partial:
        partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors to a safetensors file, atomically.

    Raises:
        OSError: the file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with atomic_replace(path) as partial:
            partial.unlink(missing_ok=True)
            partial.touch()
            mode = partial.stat().st_mode  # set by the umask; safetensors lets only the owner read its files
            save_file(contiguous, partial, metadata)
            partial.chmod(mode)
    except (SafetensorError, OSError) as error:  # safetensors raises SafetensorError if the disk is full
        raise OSError(f"{path}: cannot be written ({error})") from None


def cache_folder() -> Path:
    """Return the cache folder: RNNER_CACHE, else XDG_CACHE_HOME/rnner, else ~/.cache/rnner."""
    if folder := os.environ.get("RNNER_CACHE"):
        return Path(folder).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore relative paths.
    return (Path(shared) if os.path.isabs(shared) else Path("~/.cache").expanduser()) / "rnner"
