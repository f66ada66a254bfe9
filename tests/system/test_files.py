"""Atomic writes and the cache folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from rnner.system.files import atomic_replace, cache_folder, write_atomically, write_tensors


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    with atomic_replace(target) as partial:
        partial.write_text("new")
        assert partial.name == "scores.json.partial" and not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_no_partial_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "scores.json"
    write_atomically(target, "old")
    with pytest.raises(error), atomic_replace(target) as partial:
        partial.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_may_be_written_too(tmp_path: Path) -> None:
    with atomic_replace(tmp_path / "saved") as partial:
        partial.mkdir()
        (partial / "data.arrow").write_text("rows")
    assert (tmp_path / "saved" / "data.arrow").read_text() == "rows"
    with pytest.raises(ValueError, match="broken"), atomic_replace(tmp_path / "other") as partial:
        (partial / "deep").mkdir(parents=True)
        raise ValueError("broken")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RNNER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "rnner"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "rnner"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "rnner"
    monkeypatch.setenv("RNNER_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"


def test_tensors_that_cannot_be_written_raise_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written"):
        write_tensors(tmp_path / "nowhere" / "model.safetensors", {"a": torch.zeros(2)})


def test_file_permissions_follow_the_umask(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.partial").touch(mode=0o600)  # as a killed run may leave it
    before = os.umask(0o022)
    try:
        write_tensors(tmp_path / "model.safetensors", {"a": torch.zeros(2)})
    finally:
        os.umask(before)
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o644
