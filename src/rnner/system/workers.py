"""Worker processes that map a function over items and return the results in order."""

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
from rnner.system.terminal import guard_streams

A = TypeVar("A")
R = TypeVar("R")

_ITEMS_PER_WORKER = 2  # one in progress and one waiting in the pipe


class Workers(Generic[A, R]):
    """A pool of processes for use in a `with` block. They are all killed when the block ends.

    Items are assigned in turn: which process gets which item never depends on timing.

    Args:
        number: number of processes.
        factory: called once in each process; returns the function that is applied to items.
    """

    def __init__(self, number: int, factory: Callable[[], Callable[[A], R]]) -> None:
        self._number, self._factory = number, factory
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers[A, R]:
        for _ in range(self._number):
            self._workers.append(_Worker(self._factory))
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.kill()

    def map(self, items: Iterable[A], flush: Callable[[A], bool] = lambda item: False) -> Iterator[R]:
        """Yield the result of each item, in order. At most two items per process are read ahead.

        Args:
            items: arguments of the function.
            flush: given an item, returns whether to yield all results up to it before reading the next one.

        Raises:
            RnnerError: the function raised one, or a process died.
        """
        turns = cycle(self._workers)
        pending: deque[Future[R]] = deque()
        for item in items:
            pending.append(next(turns).submit(item))
            while pending and (flush(item) or len(pending) >= _ITEMS_PER_WORKER * self._number):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


class _Worker:
    """A process, the pipe to it, and a thread that waits for its results."""

    def __init__(self, factory: Callable[[], Callable[[Any], Any]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, remote = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_serve, args=(remote, factory), daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the new process inherits this
        try:
            self._process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        remote.close()
        self._thread = ThreadPoolExecutor(1)

    def submit(self, item: object) -> Future[Any]:
        return self._thread.submit(self._request, item)

    def _request(self, item: object) -> Any:
        try:
            self._pipe.send(item)
            error, result = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            how = f"was killed (signal {-code}), possibly out of memory" if code < 0 else f"exited ({code})"
            raise RnnerError(f"a worker process {how}; use fewer processes to save memory") from None
        if error is not None:
            raise error
        return result

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._thread.shutdown(cancel_futures=True)
        self._pipe.close()


def _serve(pipe: Connection[Any, Any], factory: Callable[[], Callable[[Any], Any]]) -> None:
    """Process items from the pipe until this process is killed or the other end is closed."""
    guard_streams()
    function: Callable[[Any], Any] | None = None
    while True:
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        answer: tuple[Exception | None, Any]
        try:
            function = function or factory()
            answer = None, function(item)
        except (Exception, SystemExit) as error:  # the user's code may raise SystemExit
            answer = _picklable(error), None
        pipe.send(answer)


def _picklable(error: BaseException) -> Exception:
    """Return an error that can be pickled, with the same message and exit code."""
    if isinstance(error, RnnerError):
        return (UsageError if isinstance(error, UsageError) else RnnerError)(error.summary, error.details)
    if isinstance(error, MemoryError):
        return MemoryError()
    return RuntimeError(f"{type(error).__name__}: {error}")
