"""Requests that wait for the model: batches, fairness, limits and failures."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from rnner.serve.batcher import ROUND, Batcher, Piece
from rnner.serve.request_errors import RequestError


class Model:
    """A model that answers with the text, and that a test can hold back."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()

    def __call__(self, pieces):
        self.batches.append([piece.text for piece in pieces])
        assert self.go.wait(10)
        if any("fail" in piece.text for piece in pieces):
            raise ValueError("cannot be predicted")
        return [f"answer to {piece.text}" for piece in pieces]


@asynccontextmanager
async def running(model, limit=100):
    batcher = Batcher(model, limit)
    task = asyncio.create_task(batcher.run())
    try:
        yield batcher
    finally:
        model.go.set()
        task.cancel()


def pieces(*texts):
    return [Piece(text) for text in texts]


async def started(model, batches=1):
    while len(model.batches) < batches:
        await asyncio.sleep(0.001)


def test_requests_that_wait_are_predicted_together():
    async def check():
        model = Model()
        async with running(model) as batcher:
            first = batcher.submit(pieces("a"))
            await started(model)
            others = [batcher.submit(pieces(name, f"{name}!")) for name in "bcd"]
            model.go.set()
            assert await first == ["answer to a"]
            assert await asyncio.gather(*others) == [
                [f"answer to {name}", f"answer to {name}!"] for name in "bcd"
            ]
        assert model.batches == [["a"], ["b", "b!", "c", "c!", "d", "d!"]]

    asyncio.run(check())


def test_a_short_request_does_not_wait_for_all_of_a_long_one():
    async def check():
        model, long = Model(), "x" * ROUND
        async with running(model) as batcher:
            big = batcher.submit(pieces(long, long, long))
            await started(model)
            small = batcher.submit(pieces("small"))
            model.go.set()
            assert await small == ["answer to small"]
            assert not big.done()
            assert await big == [f"answer to {long}"] * 3
        assert [len(batch) for batch in model.batches] == [1, 2, 1]

    asyncio.run(check())


def test_a_full_queue_sheds_load():
    async def check():
        model = Model()
        async with running(model, limit=2) as batcher:
            running_now = batcher.submit(pieces("a"))
            await started(model)
            waiting = [batcher.submit(pieces(name)) for name in "bc"]
            with pytest.raises(RequestError, match="2 requests are waiting; at most 2 may wait") as caught:
                batcher.submit(pieces("d"))
            assert (caught.value.status, caught.value.headers) == (503, {"retry-after": "1"})
            model.go.set()
            await asyncio.gather(running_now, *waiting)
            assert await batcher.submit(pieces("e")) == ["answer to e"]

    asyncio.run(check())


def test_a_request_that_was_withdrawn_is_not_predicted():
    async def check():
        model = Model()
        async with running(model) as batcher:
            first = batcher.submit(pieces("a"))
            await started(model)
            withdrawn, kept = batcher.submit(pieces("b")), batcher.submit(pieces("c"))
            withdrawn.cancel()
            model.go.set()
            await asyncio.gather(first, kept)
        assert model.batches == [["a"], ["c"]]

    asyncio.run(check())


def test_a_tokenizer_that_exits_does_not_end_the_service():
    def predict(pieces):
        raise SystemExit(3)

    async def check():
        batcher = Batcher(predict, 10)
        task = asyncio.create_task(batcher.run())
        for _ in range(2):
            with pytest.raises(RuntimeError, match="called exit"):
                await batcher.submit(pieces("a"))
        assert not task.done()
        task.cancel()

    asyncio.run(check())


def test_an_error_reaches_only_the_request_that_caused_it():
    async def check():
        model = Model()
        async with running(model) as batcher:
            first = batcher.submit(pieces("a"))
            await started(model)
            good, bad, other = (batcher.submit(pieces(text)) for text in ("b", "fail", "c"))
            model.go.set()
            assert await first == ["answer to a"]
            assert (await good, await other) == (["answer to b"], ["answer to c"])
            with pytest.raises(ValueError, match="cannot be predicted"):
                await bad
            assert await batcher.submit(pieces("d")) == ["answer to d"]

    asyncio.run(check())
