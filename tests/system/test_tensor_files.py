"""Safetensors files that verify themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rnner.system.tensor_files import read_tensors, write_tensors

TENSORS = {
    "weights": torch.linspace(-1, 1, 6).view(2, 3),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "empty": torch.zeros(0, 4),
}


def test_tensors_and_metadata_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"position": "3"})
    tensors, metadata = read_tensors(path)
    assert metadata == {"position": "3"}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"position": "3"})
    content = path.read_bytes()
    unnoticed = []
    for index in range(len(content)):
        for bit in (1, 128):
            path.write_bytes(content[:index] + bytes([content[index] ^ bit]) + content[index + 1 :])
            try:
                read_tensors(path)
                unnoticed.append(index)
            except ValueError:
                pass
    assert all(content[index : index + 1] == b" " for index in unnoticed)  # padding of the header


def test_a_file_without_checksum_is_refused(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="has no checksum"):
        read_tensors(tmp_path / "a.safetensors")


def test_tensors_that_cannot_be_written_raise_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written"):
        write_tensors(tmp_path / "nowhere" / "model.safetensors", {"a": torch.zeros(2)})


def test_file_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_tensors(tmp_path / "model.safetensors", {"a": torch.zeros(2)})
    finally:
        os.umask(before)
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o644
