"""Freed memory and garbage collection."""

import gc
import subprocess
import sys

import pytest

from rnner.system.process_memory import garbage_collection_paused

PROBE = """
import resource
from rnner.system.process_memory import keep_freed_memory

def faults_of_a_block():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(40_000_000)  # above every default threshold of glibc
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

# The first blocks may need new pages; at least one of the last must not.
def fewest_faults():
    return min([faults_of_a_block() for _ in range(8)][-4:])

print(fewest_faults(), keep_freed_memory(), fewest_faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_blocks_are_reused_without_new_pages() -> None:
    out = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout
    left, can_keep, kept = out.split()
    assert int(left) >= 20  # 40 MB are 10,000 pages, or 20 huge pages
    assert can_keep == "True" and int(kept) < 10


@pytest.fixture
def collecting():
    was = gc.isenabled()
    yield
    (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("before", [True, False])
def test_garbage_collection_is_restored_after_the_block(collecting, before):
    (gc.enable if before else gc.disable)()
    with garbage_collection_paused():
        assert not gc.isenabled()
        with garbage_collection_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled() is before


def test_garbage_collection_is_restored_after_an_error(collecting):
    gc.enable()
    with pytest.raises(KeyError), garbage_collection_paused():
        raise KeyError
    assert gc.isenabled()
