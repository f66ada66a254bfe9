"""One holder at a time of an open file's lock."""

import threading
import time
from pathlib import Path

import pytest

from rnner.errors import UsageError
from rnner.system.file_lock import locked, try_lock, unlock


def test_a_second_holder_waits_until_the_first_has_finished(tmp_path: Path) -> None:
    path, order = tmp_path / "log", []
    path.touch()

    def first() -> None:
        with path.open() as file, locked(file.fileno(), "log"):
            holding.set()
            time.sleep(0.05)
            order.append("first")

    holding = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    holding.wait()
    with path.open() as file, locked(file.fileno(), "log"):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_waiting_ends_with_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    with path.open() as held, path.open() as other:
        assert try_lock(held.fileno()) and not try_lock(other.fileno())
        with (
            pytest.raises(UsageError, match="log: another process"),
            locked(other.fileno(), "log", seconds=0),
        ):
            pass
        unlock(held.fileno())
        assert try_lock(other.fileno())
