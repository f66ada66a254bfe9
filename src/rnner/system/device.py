"""Which device to compute on, and the same bits every time."""

from __future__ import annotations

import os

import torch

from rnner.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device called `auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:1`.

    Raises:
        UsageError: the name is none, or this machine or this build of PyTorch has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device {name}: there are auto, cpu, cuda and cuda:N")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            without = f" (PyTorch {torch.__version__} is built without CUDA)"
            built = without if torch.version.cuda is None and torch.version.hip is None else ""
            raise UsageError(f"--device {name}: no CUDA device is to be had here{built}; use --device cpu")
        if device.index is not None and device.index >= torch.cuda.device_count():
            raise UsageError(
                f"--device {name}: the devices are cuda:0 to cuda:{torch.cuda.device_count() - 1}"
            )
        _set_deterministic()
    return device


def _set_deterministic() -> None:
    """On CUDA some kernels add in any order unless told not to; on the CPU all of ours keep theirs."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
