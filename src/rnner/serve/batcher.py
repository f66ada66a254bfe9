"""`Batcher`: predict the texts of all waiting requests together, in one thread.

Each round takes a few texts of every waiting request, up to a number of characters, so a short request waits
for one round and not for the long requests before it. Predictions never depend on the batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from rnner.serve.request_errors import RETRY, RequestError

ROUND = 40_000
"""Characters predicted at a time, approximately."""


class Piece(NamedTuple):
    """A text to predict, and the options of its request."""

    text: str
    threshold: float = 0.0
    nbest: int = 0


@dataclass(eq=False)
class _Job:
    """A request: what is left to predict, the answers so far, and the future for all answers."""

    pieces: deque[Piece]
    future: asyncio.Future[list[str]]
    answers: list[str] = field(default_factory=list)

    def take(self, room: int) -> list[Piece]:
        """Remove and return pieces of about `room` characters, at least one."""
        taken = [self.pieces.popleft()]
        room -= len(taken[0].text)
        while self.pieces and len(self.pieces[0].text) <= room:
            taken.append(self.pieces.popleft())
            room -= len(taken[-1].text)
        return taken

    def add(self, answers: Sequence[str]) -> None:
        """Add answers; when all are there, set the future."""
        self.answers += answers
        if not self.pieces and not self.future.done():
            self.future.set_result(self.answers)

    def fail(self, error: Exception) -> None:
        """Set the future to an error."""
        self.pieces.clear()
        if not self.future.done():
            self.future.set_exception(error)


class Batcher:
    """A bounded queue of requests in front of a model.

    Args:
        predict: returns the answer to each piece; called in one thread.
        limit: maximum number of requests that wait.

    Attributes:
        busy_since: time of the event loop at which the current round began; None between rounds.
    """

    def __init__(self, predict: Callable[[Sequence[Piece]], list[str]], limit: int) -> None:
        self._predict, self._limit = predict, limit
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "prediction")
        self.busy_since: float | None = None

    def __len__(self) -> int:
        """Return the number of waiting requests."""
        return len(self._waiting)

    def check_room(self) -> None:
        """Raise a RequestError if the queue is full."""
        if len(self._waiting) >= self._limit:
            allowed = f"at most {self._limit:,} may wait (--max-queue); try again later"
            raise RequestError(503, f"{len(self._waiting):,} requests are waiting; {allowed}", RETRY)

    def submit(self, pieces: Sequence[Piece]) -> asyncio.Future[list[str]]:
        """Return a future for the answers. Cancel it to withdraw the request.

        Raises:
            RequestError: the queue is full.
        """
        self.check_room()
        job = _Job(deque(pieces), asyncio.get_running_loop().create_future())
        if pieces:
            self._waiting.append(job)
            self._arrived.set()
        else:
            job.add([])
        return job.future

    async def run(self) -> None:
        """Predict until this task is cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while round_ := self._next_round():
                    self.busy_since = loop.time()
                    await self._predict_round(round_)
                    self.busy_since = None
                    self._waiting += (job for job, _ in round_ if job.pieces and not job.future.done())
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _next_round(self) -> list[tuple[_Job, list[Piece]]]:
        """Return waiting jobs, in turn, and the pieces of each to predict now."""
        taken, room = [], ROUND
        while self._waiting and room > 0:
            job = self._waiting.popleft()
            if not job.future.done():
                pieces = job.take(room)
                room -= sum(len(piece.text) for piece in pieces)
                taken.append((job, pieces))
        return taken

    async def _predict_round(self, round_: list[tuple[_Job, list[Piece]]]) -> None:
        """Predict all pieces at once; if that fails, those of each job, so that only one fails."""
        try:
            answers = iter(await self._predicted([piece for _, pieces in round_ for piece in pieces]))
        except Exception as error:
            if len(round_) == 1:
                round_[0][0].fail(error)
                return
            for pair in round_:
                await self._predict_round([pair])
            return
        for job, pieces in round_:
            job.add([next(answers) for _ in pieces])

    async def _predicted(self, pieces: Sequence[Piece]) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, pieces)

    def _call(self, pieces: Sequence[Piece]) -> list[str]:
        try:
            return self._predict(pieces)
        except SystemExit as error:  # raised by the user's tokenizer; it must not end the service
            raise RuntimeError("the tokenizer called exit") from error
