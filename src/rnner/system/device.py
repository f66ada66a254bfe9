"""Choice of the device to compute on."""

from __future__ import annotations

import os

import torch

from rnner.errors import UsageError


def choose_device(name: str) -> torch.device:
    """Return the device named `auto` (CUDA if available, else the CPU), `cpu`, `cuda` or `cuda:N`.

    On CUDA, PyTorch is set to use deterministic algorithms without TF32, so that runs are reproducible.

    Raises:
        UsageError: unknown name, or a device that is not available.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device {name}: unknown device; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            no_cuda_build = torch.version.cuda is None and torch.version.hip is None
            build = f" (PyTorch {torch.__version__} was built without CUDA)" if no_cuda_build else ""
            raise UsageError(f"--device {name}: no CUDA device is available{build}; use --device cpu")
        count = torch.cuda.device_count()
        if device.index is not None and device.index >= count:
            raise UsageError(f"--device {name}: device not found; available: cuda:0 to cuda:{count - 1}")
        _set_deterministic()
    return device


def _set_deterministic() -> None:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
