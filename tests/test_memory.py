"""Freed memory: our processes keep it."""

import os
import platform
import resource
import subprocess
import sys

import pytest

PROBE = """
import resource, sys, numpy
from modelprint.memory import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else None
for _ in range(5):
    numpy.ones(64_000_000, dtype=numpy.uint8)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_block_that_was_freed_is_used_again() -> None:
    """Five arrays of 64 megabytes, one after the other: the pages of one of them are fetched, not of five."""
    (_, usual), (kept, ours) = (_measured(how) for how in ("leave", "keep"))

    pages = 64_000_000 // resource.getpagesize()
    assert kept == "True"
    assert int(usual) - int(ours) > 3 * pages


def _measured(how: str) -> list[str]:
    # With huge pages there would be next to nothing to count.
    environment = {**os.environ, "NUMPY_MADVISE_HUGEPAGE": "0"}
    probe = [sys.executable, "-c", PROBE, how]
    return subprocess.run(probe, capture_output=True, text=True, check=True, env=environment).stdout.split()
