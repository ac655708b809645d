"""What the C library does with memory that is freed: keeps it, or gives it back to the system.

Networks ask for the same blocks of some megabytes again and again. glibc gives each of them back when it is freed, and
the system has to empty every page of it once more at the next call, which takes a third of the time of a small network.
"""

import ctypes
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's <malloc.h>."""
_LARGEST_BLOCK = 1 << 30
"""Bytes; blocks up to this size come from memory that is kept."""
_MOST_KEPT = (1 << 31) - 1
"""Bytes at the end of the heap that may lie idle."""


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, for the next block of the size; False where the C library is another.

    For processes that are ours: commands and workers. A program that imports the package decides for itself.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)) and bool(mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT))
    return False
