"""Input files: only regular files are opened, and every exception of a reader becomes one error of this package."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LFS_START = b"version https://git-lfs.github.com/spec/"
"""First bytes of the small text that Git stores in place of a large file."""

LFS_HINT = "is a Git LFS pointer, not the file itself; fetch the file with: git lfs pull"

REASON_LIMIT = 300
"""Characters of the message of another library that are quoted."""


def open_regular(path: Path, error: type[Exception]) -> io.BufferedReader:
    """Open the regular file at `path` for reading, at its first byte.

    Args:
        path: A regular file, or a link to one. A FIFO or a device could block forever or never end.
        error: What to raise when there is no such file.
    """
    try:
        # Without O_NONBLOCK the opening of a FIFO waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as problem:
        raise error(f"{path}: no such file") from problem
    except (OSError, ValueError) as problem:
        raise error(f"{path}: cannot be opened ({problem})") from problem
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise error(f"{path}: is not a regular file")
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    start = file.read(len(LFS_START))
    file.seek(0)
    if start == LFS_START:
        file.close()
        raise error(f"{path}: {LFS_HINT}")
    return file


@contextmanager
def refuse_damage(where: str, error: type[Exception]) -> Iterator[None]:
    """Turn every exception but `error` into `error`, with the message "WHERE (REASON)".

    Readers of other libraries raise exceptions of many kinds on damaged bytes: zlib.error, struct.error, OverflowError,
    RecursionError, MemoryError and more.
    """
    try:
        yield
    except error:
        raise
    except Exception as problem:
        reason = " ".join(str(problem).split())[:REASON_LIMIT] or type(problem).__name__
        raise error(f"{where} ({reason})") from problem
