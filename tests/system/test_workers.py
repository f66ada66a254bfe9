"""Worker processes: ordered results, errors, and no process left behind."""

import os
import signal

import pytest

from rnner.errors import DataError, RnnerError, UsageError
from rnner.system.workers import Workers


def begin():
    return work


def work(item):
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "data":
        raise DataError("is wrong", "file", 3)
    if item == "usage":
        raise UsageError("cannot be meant")
    if item == "exit":
        raise SystemExit(0)
    if item == "bug":
        raise KeyError("unforeseen")
    return item, os.getpid()


def begin_badly():
    raise RnnerError("the model is broken")


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def two():
    with Workers(2, begin) as workers:
        yield workers


def test_results_come_in_order_and_processes_take_turns(two):
    found = list(two.map(range(7)))
    assert [item for item, _ in found] == list(range(7))
    pids = [pid for _, pid in found]
    assert pids == [pids[0], pids[1]] * 3 + [pids[0]] and len({*pids, os.getpid()}) == 3


def test_few_items_are_read_ahead_and_none_with_flush(two):
    read = []

    def items():
        for item in range(9):
            read.append(item)
            yield item

    ahead = [len(read) - done for done, _ in enumerate(two.map(items()))]
    assert max(ahead) == 4
    read.clear()
    one_by_one = two.map(items(), lambda item: True)
    assert [(next(one_by_one)[0], len(read)) for _ in range(3)] == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("item", "kind", "message"),
    [
        ("data", RnnerError, "file:3: is wrong"),
        ("usage", UsageError, "cannot be meant"),
        ("bug", RuntimeError, "KeyError: 'unforeseen'"),
        ("exit", RuntimeError, "SystemExit: 0"),
    ],
)
def test_an_error_in_a_process_is_raised_here_and_the_process_continues(two, item, kind, message):
    results = two.map([1, item, 2])
    assert next(results)[0] == 1
    with pytest.raises(kind, match=message):
        next(results)
    assert [done for done, _ in two.map([3, 4])] == [3, 4]


def test_a_dead_process_is_an_error_and_no_process_is_left():
    with Workers(1, begin) as workers:
        results = workers.map([1, "die", 2])
        _, pid = next(results)
        with pytest.raises(
            RnnerError, match=r"was killed \(signal 9\), possibly out of memory; use fewer processes"
        ):
            next(results)
    assert gone(pid)


def test_an_error_of_the_factory_is_raised_here():
    with Workers(1, begin_badly) as workers, pytest.raises(RnnerError, match="the model is broken"):
        next(workers.map([1]))


def test_an_interrupt_leaves_no_process():
    with pytest.raises(KeyboardInterrupt), Workers(1, begin) as workers:
        _, pid = next(workers.map(range(100)))
        raise KeyboardInterrupt
    assert gone(pid)
