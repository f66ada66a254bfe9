"""Software versions, number of threads and processor, on which the last bits of a result depend."""

from __future__ import annotations

import platform

import numpy as np
import torch

from rnner import __version__


def versions() -> dict[str, str]:
    """Return the versions of rnner, Python and the libraries that compute."""
    return {
        "rnner": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def computing_environment(device: torch.device) -> dict[str, str]:
    """Return, by name, everything that the last bits of a result on this device depend on."""
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    else:
        processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return versions() | {"threads": str(torch.get_num_threads()), "processor": processor}
