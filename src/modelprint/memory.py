"""Make the C library keep freed memory instead of returning it to the operating system.

Networks allocate the same blocks of a few megabytes again and again. By default glibc returns each freed block, and the
system zeroes its pages again at the next allocation, which takes a third of the run time of a small network.
"""

import ctypes
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's <malloc.h>."""
_LARGEST_BLOCK = 1 << 30
"""Bytes; blocks up to this size come from the heap."""
_MOST_KEPT = (1 << 31) - 1
"""Bytes at the end of the heap that may stay unused."""


def keep_freed_memory() -> bool:
    """Make this process keep freed memory for reuse; return False when the C library is not glibc.

    For our own processes, commands and workers. A program that imports the package decides for itself.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)) and bool(mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT))
    return False
