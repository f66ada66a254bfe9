"""Arrays of numpy where there is no torch, tensors where there is: what both are described by."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # slow to import, and only `on` needs it
    import torch
    from torch import Tensor

A = TypeVar("A", "NDArray[Any]", "Tensor")
"""What a description is made of."""


def on(device: torch.device | str, described: Any) -> Any:
    """A dataclass with its arrays, and those of the dataclasses in it, as tensors on a device."""
    import torch

    if isinstance(described, np.ndarray | torch.Tensor):
        return torch.as_tensor(described).to(device, non_blocking=True)
    if not is_dataclass(described):
        return described
    values = {field.name: on(device, getattr(described, field.name)) for field in fields(described)}
    return replace(cast(Any, described), **values)
