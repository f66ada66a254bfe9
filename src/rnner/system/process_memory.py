"""The memory of this process: how much it held, and who keeps it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # slow to import, and only a GPU needs it
    import torch

# From glibc's malloc.h: how much free memory goes back to the system, and how many blocks may lie apart.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have the allocator keep what is freed, for the rest of this process; False where that cannot be set.

    A training step frees and takes the same large blocks each time. By itself glibc gives them back to the
    system and has every page of them cleared anew: a fifth of the time of an LSTM's step with 200 units, and
    more the longer the sentences are. The process then holds as much as it ever needed at once.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library than glibc
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _NEVER))


def give_back_freed_memory() -> None:
    """Have the allocator give what is freed back to the system, once; others than Linux see to it alone.

    By itself glibc keeps what lies between blocks that are still in use: over hours, a third of all.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def collecting_later() -> Iterator[None]:
    """Have Python look for garbage in cycles after the block, not within.

    It looks ever again through all objects of the process as their number grows: a seventh of the time in
    which a text becomes tokens and entities, of which none is in a cycle. For short blocks: until the end
    of one, the cycles of all threads stay.
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
    """The most memory this process has held (on CUDA: on the device), in MB; None on Windows."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) / 1e6
    if sys.platform == "win32":
        return None  # Python has no such count there
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
