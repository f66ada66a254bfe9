"""Memory of this process: its peak, freed memory kept by the allocator, and garbage collection."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import, and only a GPU needs it
    import torch

# Options of glibc's mallopt, from malloc.h: how much free memory is kept before it is returned to the system,
# and the maximum number of blocks allocated with mmap.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Make the allocator keep freed memory for the rest of this process. Return False if that is impossible.

    A training step frees and allocates the same large blocks each time. By default glibc returns them to the
    system, which then clears every page again. This takes a fifth of the time of an LSTM step with 200 units,
    and more with long sentences. With this setting the process stays at its peak size.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # the C library is not glibc
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _NEVER))


def release_freed_memory() -> None:
    """Make glibc return freed memory to the system, once. Do nothing with other C libraries.

    Without this, free memory between blocks in use is kept: up to a third of the total after a few hours.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Pause Python's cyclic garbage collection within the block.

    Creating many objects makes Python scan all objects of the process again and again, which takes a seventh
    of the time needed to turn a text into tokens and entities, none of which form a cycle. Keep
    the block short: garbage of all threads accumulates in the meantime.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def peak_memory_mb(device: torch.device) -> float | None:
    """Return the peak memory of this process in MB (on CUDA: of the device), or None on Windows."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) / 1e6
    if sys.platform == "win32":
        return None  # the standard library cannot measure it there
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
