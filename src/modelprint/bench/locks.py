"""Locks on entries of the cache, so that two runs that share it do not make the same thing side by side.

The operating system frees a lock when its holder dies, however it dies; the empty files stay.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from modelprint.cache import cache_folder
from modelprint.engine import Busy
from modelprint.errors import BenchError


@contextmanager
def lock_entry(name: str) -> Iterator[None]:
    """Work on `name` in this cache alone while the block runs; Busy when another process works on it."""
    path = cache_folder() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _hold(path, Busy(name)):
        yield


@contextmanager
def lock_run_folder(folder: Path) -> Iterator[None]:
    """Write to `folder` alone while the block runs; BenchError when another run does."""
    with _hold(
        folder / ".lock", BenchError(f"another run is writing to {folder}; wait for it, or name another --output")
    ):
        yield


def run_folder_in_use(folder: Path) -> bool:
    """Return whether a run on this machine writes to `folder` now."""
    if not (folder / ".lock").is_file():
        return False
    try:
        with lock_run_folder(folder):
            return False
    except BenchError:
        return True


@contextmanager
def _hold(path: Path, otherwise: Exception) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise otherwise from None
    try:
        yield
    finally:
        lock.release()
