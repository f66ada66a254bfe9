"""One process at a time works in a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from rnner.errors import UsageError
from rnner.system import folder_lock as module
from rnner.system.folder_lock import LOCK, folder_lock

HOLDER = """
    import sys, time
    from pathlib import Path
    from rnner.system.folder_lock import folder_lock
    with folder_lock(Path(sys.argv[1])):
        print("locked", flush=True)
        time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock of a folder."""
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    return process


def test_the_second_process_learns_who_holds_the_lock_and_a_killed_one_holds_it_no_longer(
    tmp_path: Path,
) -> None:
    with holder(tmp_path / "run") as process:
        expected = (
            rf"run: process {process.pid} on .* has been writing to this folder since 2\d\d\d-.* UTC; wait"
        )
        with pytest.raises(UsageError, match=expected), folder_lock(tmp_path / "run"):
            pass
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "run" / LOCK).exists()
    with folder_lock(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / LOCK).read_text())["process"] == os.getpid()
    assert not (tmp_path / "run").exists() or list((tmp_path / "run").iterdir()) == []


def test_a_stopped_process_still_holds_the_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(UsageError, match="wait until it ends"), folder_lock(tmp_path):
            pass
        process.kill()


def test_a_process_holds_a_lock_once(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        with pytest.raises(UsageError, match=f"process {os.getpid()} on"), folder_lock(tmp_path):
            pass
        with folder_lock(tmp_path / "other"):
            pass
    with folder_lock(tmp_path):
        pass


def test_a_folder_that_stays_empty_is_removed_again(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "runs" / "one"):
        assert (tmp_path / "runs" / "one" / LOCK).exists()
    assert list(tmp_path.iterdir()) == []
    with folder_lock(tmp_path / "runs" / "one"):
        (tmp_path / "runs" / "one" / "model").touch()
    assert [path.name for path in (tmp_path / "runs" / "one").iterdir()] == ["model"]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\0", b"[]", b'{"process": "\x1b[2J"}', b"[" * 5000, b"9" * 5000]
)
def test_a_holder_that_cannot_be_read_is_another_process(tmp_path: Path, content: bytes) -> None:
    with folder_lock(tmp_path):
        (tmp_path / LOCK).write_bytes(content)
        with pytest.raises(UsageError, match="another process writes to this folder"), folder_lock(tmp_path):
            pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / LOCK).symlink_to(mine)
    with pytest.raises(OSError), folder_lock(tmp_path):
        pass
    assert mine.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_neither_keeps_the_lock_nor_removes_it(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    try:
        with folder_lock(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    try:
        with folder_lock(tmp_path):
            child = os.fork()
            if child == 0:
                raise SystemExit  # leaves the block
            os.waitpid(child, 0)
            assert (tmp_path / LOCK).exists()
    except SystemExit:
        os._exit(0)


def test_a_full_disk_does_not_prevent_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "ftruncate", full)
    with folder_lock(tmp_path), pytest.raises(UsageError, match="another process"), folder_lock(tmp_path):
        pass
