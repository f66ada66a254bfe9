"""Processes that work side by side, and a result for each piece of work in the order they were given."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from rnner.errors import RnnerError, UsageError

A = TypeVar("A")
R = TypeVar("R")

_IN_HAND = 2  # pieces of work for each process that are read ahead: while one is done, the next one waits


class Workers(Generic[A, R]):
    """Processes, used in a `with` block; at its end, whatever ended it, none is left.

    They take the work in turns: which one does what never depends on how long anything takes.

    Args:
        number: how many.
        begin: called in each of them once, it gives the function that does the work.
    """

    def __init__(self, number: int, begin: Callable[[], Callable[[A], R]]) -> None:
        self._number, self._begin = number, begin
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers[A, R]:
        for _ in range(self._number):
            self._workers.append(_Worker(self._begin))
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.end()

    def map(self, items: Iterable[A], waits: Callable[[A], bool] = lambda item: False) -> Iterator[R]:
        """The result for each item, in order; few items more than there are processes are held at a time.

        Args:
            items: the work.
            waits: whether all results so far are wanted before the next item is asked for.

        Raises:
            RnnerError: the work raised one, or a process died.
        """
        turns = cycle(self._workers)
        pending: deque[Future[R]] = deque()
        for item in items:
            pending.append(next(turns).submit(item))
            while pending and (waits(item) or len(pending) >= _IN_HAND * self._number):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, begin: Callable[[], Callable[[Any], Any]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_work, args=(theirs, begin), daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a new process inherits
        try:
            self._process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()
        self._thread = ThreadPoolExecutor(1)  # waits for the answers

    def submit(self, item: object) -> Future[Any]:
        """Have something done, after what was submitted before."""
        return self._thread.submit(self._ask, item)

    def _ask(self, item: object) -> Any:
        try:
            self._pipe.send(item)
            error, result = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            how = f"was killed (signal {-code}), maybe for want of memory" if code < 0 else f"ended ({code})"
            raise RnnerError(f"a worker process {how}; fewer --workers need less memory") from None
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        """Kill the process: it has nothing to save."""
        self._process.kill()
        self._process.join()
        self._thread.shutdown(cancel_futures=True)
        self._pipe.close()


def _work(pipe: Connection[Any, Any], begin: Callable[[], Callable[[Any], Any]]) -> None:
    """What a process does until it is killed, or who began it is gone."""
    work: Callable[[Any], Any] | None = None
    while True:
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        answer: tuple[Exception | None, Any]
        try:
            work = work or begin()
            answer = None, work(item)
        except Exception as error:
            answer = _portable(error), None
        pipe.send(answer)


def _portable(error: Exception) -> Exception:
    """The error as one that goes through a pipe: its kind as far as the exit code, and what it says."""
    if isinstance(error, RnnerError):
        return (UsageError if isinstance(error, UsageError) else RnnerError)(str(error))
    if isinstance(error, MemoryError):
        return MemoryError()
    return RuntimeError(f"{type(error).__name__}: {error}")
