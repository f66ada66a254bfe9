"""Choice of the device."""

import pytest
import torch

from rnner.errors import UsageError
from rnner.system.device import choose_device

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")


def test_the_cpu_is_always_available():
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("there", [False, True])
def test_auto_is_cuda_if_available(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr("rnner.system.device._set_deterministic", lambda: None)
    assert choose_device("auto").type == ("cuda" if there else "cpu")


@pytest.mark.parametrize("name", ["gpu", "tpu", "mps", "meta", "", "cuda:x", "cuda:-1", "cpu cuda", "CPU"])
def test_other_names_are_refused(name):
    message = r"--device .*: unknown device; use auto, cpu, cuda or cuda:N"
    with pytest.raises(UsageError, match=message) as caught:
        choose_device(name)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_unavailable_cuda_is_reported_in_one_line(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"--device {name}: no CUDA device .*; use --device cpu") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)


def test_a_device_beyond_the_last_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match="device not found; available: cuda:0 to cuda:1"):
        choose_device("cuda:2")


@needs_cuda
def test_cuda_computes_the_same_twice():
    device = choose_device("cuda")
    assert torch.are_deterministic_algorithms_enabled()
    x = torch.randn(64, 64, device=device)
    assert torch.equal(x @ x, x @ x)
