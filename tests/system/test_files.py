"""Atomic writes and the cache folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rnner.data.lines import no_such_file
from rnner.system.files import atomic_replace, cache_folder, is_partial, remove_partial, write_atomically


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "scores.json"
    with atomic_replace(target) as partial:
        partial.write_text("new")
        assert is_partial(partial.parent) and partial.parent.parent == tmp_path and not target.exists()
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


def test_temporary_names_are_not_predictable_and_private(tmp_path: Path) -> None:
    """No file of the user is overwritten, no planted link is followed, and nobody else can read."""
    bystander = tmp_path / "x.jsonl.partial"
    bystander.write_text("mine")
    with atomic_replace(tmp_path / "x.jsonl") as first, atomic_replace(tmp_path / "x.jsonl") as second:
        assert first != second
        assert first.parent.stat().st_mode & 0o777 == 0o700
        first.write_text("first")
        second.write_text("second")
    assert bystander.read_text() == "mine"
    assert (tmp_path / "x.jsonl").read_text() == "first"


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.touch(mode=0o600)
    write_atomically(secret, "new")
    assert secret.stat().st_mode & 0o7777 == 0o600


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may change owners")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.touch()
    os.chown(target, 1234, 4321)
    write_atomically(target, "new")
    assert (target.stat().st_uid, target.stat().st_gid) == (1234, 4321)


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everything
    with pytest.raises(PermissionError, match=r"x\.json"):
        write_atomically(target, "new")
    assert target.read_text() == "old"


def test_a_link_stays_one_and_a_device_is_written_directly(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "x.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    write_atomically(Path(os.devnull), "new")
    assert not Path(os.devnull).is_file()


def test_what_a_killed_process_left_is_no_suggestion_and_can_be_removed(tmp_path: Path) -> None:
    context = atomic_replace(tmp_path / "corpus.conll")
    context.__enter__().write_text("half")
    (left,) = tmp_path.iterdir()
    assert no_such_file(tmp_path / left.name[:-1]) == "file not found"
    remove_partial(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 255, "-x", "x.partial", "\u202ex"])
def test_any_file_name_can_be_written(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, "new")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(tmp_path / "nowhere" / "x.json", "new")
    assert caught.value.filename == str(tmp_path / "nowhere" / "x.json")
