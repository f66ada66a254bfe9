"""What the last bits of a result depend on: versions of the software, threads, and kind of processor."""

from __future__ import annotations

import platform

import numpy as np
import torch

from rnner import __version__


def versions() -> dict[str, str]:
    """Return the version of each library that computes."""
    return {
        "rnner": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def computing_environment(device: torch.device) -> dict[str, str]:
    """Return all that the last bits of a result on this device depend on, by name."""
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    else:
        processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return versions() | {"threads": str(torch.get_num_threads()), "processor": processor}
