"""Run the tests of this folder on the CPU and, if there is one, again on a CUDA device, set up as in use.

On CUDA, the tensors that a test creates, the constants of its file and the parameters of modules are created
on the CPU, from the same random numbers, and then moved. Tensors that the package creates while it computes
are not moved, so that one left on the CPU by mistake fails here as it would in use. (Under `torch.device` as
a context it would not.)

Mark a test for the CPU alone with `@pytest.mark.parametrize("device", ["cpu"], indirect=True)`.
"""

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

from rnner.system.device import choose_device

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True, params=DEVICES)
def device(request):
    """Yield the name of the device on which a test creates its tensors and modules."""
    if request.param == "cpu":
        yield request.param
        return
    constants = {name: value for name, value in vars(request.module).items() if torch.is_tensor(value)}
    with pytest.MonkeyPatch.context() as patch, settings_in_use(request.param):
        for name, value in constants.items():
            patch.setattr(request.module, name, value.to(request.param))
        with MoveNewTensors(request.param):
            yield request.param


@contextmanager
def settings_in_use(device):
    """Apply the settings of `choose_device`, and restore the previous ones."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    tf32 = matmul.allow_tf32, cudnn.allow_tf32
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        choose_device(device)
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = tf32
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


class MoveNewTensors(TorchFunctionMode):
    """Moves tensors to a device that tests and constructors of modules create without naming one."""

    def __init__(self, device):
        super().__init__()
        self.device = device

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        if func not in _device_constructors() or kwargs.get("device") is not None:
            return made
        caller = sys._getframe(1)
        constructs = caller.f_code.co_name == "__init__" and isinstance(
            caller.f_locals.get("self"), torch.nn.Module
        )
        if not constructs and not caller.f_code.co_filename.startswith(HERE):
            return made
        return made.detach().to(self.device).requires_grad_(made.requires_grad)
