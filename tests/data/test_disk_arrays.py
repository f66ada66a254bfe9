from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

from rnner.data import disk_arrays as disk
from rnner.data.disk_arrays import GrowingArray, zeros
from rnner.errors import DataError

PARTS = [np.array([3, 1, 2]), np.empty(0), np.arange(5), np.array([7])]


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put all arrays on disk, in this folder."""
    monkeypatch.setattr(disk, "_MAX_IN_MEMORY", 0)
    monkeypatch.setenv("RNNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def grown(parts: list[np.ndarray]) -> np.ndarray:
    array = GrowingArray(np.int32)
    for part in parts:
        array.extend(part)
    assert len(array) == sum(map(len, parts))
    return array.array()


@pytest.mark.parametrize("parts", [PARTS, PARTS[:2], [], [np.empty(0)]])
def test_an_array_on_disk_equals_one_in_memory(parts: list[np.ndarray], on_disk: Path) -> None:
    large = grown(parts)
    disk._MAX_IN_MEMORY = 1 << 20  # the fixture restores it
    small = grown(parts)
    assert large.dtype == small.dtype == np.int32
    assert large.tolist() == small.tolist() == [int(value) for part in parts for value in part]


def test_small_arrays_stay_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RNNER_CACHE", str(tmp_path / "cache"))
    assert grown(PARTS).flags.writeable
    assert zeros((2, 3), np.int8).tolist() == [[0] * 3] * 2
    assert not (tmp_path / "cache").exists()


def test_large_arrays_are_in_files_without_a_name(on_disk: Path) -> None:
    array = grown(PARTS)
    assert not array.flags.writeable
    assert on_disk.is_dir() and not list(on_disk.iterdir())


def test_zeros_on_disk_can_be_written_to(on_disk: Path) -> None:
    array = zeros((3, 4), np.int64)
    array[1] += np.arange(4)
    assert array.tolist() == [[0] * 4, [0, 1, 2, 3], [0] * 4]
    assert on_disk.is_dir() and not list(on_disk.iterdir())


def test_without_a_cache_folder_the_folder_of_temporary_files_is_used(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_disk.write_text("a file, not a folder")
    assert grown(PARTS).tolist() == [3, 1, 2, 0, 1, 2, 3, 4, 7]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(
        DataError, match=r"needs temporary disk space: .*; set RNNER_CACHE to a folder with free"
    ):
        grown(PARTS)


def test_a_full_disk_is_a_data_error(on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(disk, "_unnamed_file", Full)
    with pytest.raises(DataError, match="No space left on device; set RNNER_CACHE"):
        grown(PARTS)
