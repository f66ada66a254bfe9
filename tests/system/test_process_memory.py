"""What a process keeps of freed memory, and when it looks for garbage."""

import gc
import subprocess
import sys

import pytest

from rnner.system.process_memory import collecting_later

PROBE = """
import resource
import torch
from rnner.system.process_memory import keep_freed_memory

def faults_of_a_block():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(10_000_000)  # 40 MB, above every threshold that glibc would choose by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

# The first blocks find the holes between other things that lie about too small; one of the last must not.
def least_faults():
    return min([faults_of_a_block() for _ in range(30)][-10:])

print(least_faults(), keep_freed_memory(), least_faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_blocks_are_used_again_without_new_pages() -> None:
    out = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout
    left, can_keep, kept = out.split()
    assert int(left) >= 20  # the pages of 40 MB are 10,000, or 20 if they are huge ones
    assert can_keep == "True" and int(kept) < 10


@pytest.fixture
def collecting():
    was = gc.isenabled()
    yield
    (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("before", [True, False])
def test_garbage_in_cycles_is_looked_for_after_the_block_if_it_was_before(collecting, before):
    (gc.enable if before else gc.disable)()
    with collecting_later():
        assert not gc.isenabled()
        with collecting_later():
            pass
        assert not gc.isenabled()
    assert gc.isenabled() is before


def test_garbage_is_looked_for_again_after_an_error(collecting):
    gc.enable()
    with pytest.raises(KeyError), collecting_later():
        raise KeyError
    assert gc.isenabled()
