"""Signals that stop a training after its current step, so that nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rnner.cli.console import err

STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True after the first Ctrl-C, SIGTERM or SIGHUP; a second one interrupts.

    Signals that are already ignored, as SIGHUP is with `nohup`, stay ignored.
    """
    stopping = False

    def handle(number: int, frame: Any) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        with suppress(OSError):  # after SIGHUP the terminal is gone
            err.print("\nstopping after this step; press Ctrl-C again to quit immediately")

    previous = {
        number: signal.signal(number, handle)
        for number in STOP_SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield lambda: stopping
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
