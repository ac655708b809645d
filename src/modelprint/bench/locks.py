"""Locks on pieces of work in the cache, so that two runs that share it do not make the same thing side by side.

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
def locked(name: str) -> Iterator[None]:
    """Be the only one at work on `name` in this cache while the block runs; Busy when somebody else is."""
    path = cache_folder() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _held(path, Busy(name)):
        yield


@contextmanager
def run_folder_locked(folder: Path) -> Iterator[None]:
    """Be the only run that writes to `folder`; BenchError when there is another one."""
    with _held(
        folder / ".lock", BenchError(f"another run is writing to {folder}; wait for it, or name another --output")
    ):
        yield


def run_folder_in_use(folder: Path) -> bool:
    """Return whether a run on this machine writes to `folder` now."""
    if not (folder / ".lock").is_file():
        return False
    try:
        with run_folder_locked(folder):
            return False
    except BenchError:
        return True


@contextmanager
def _held(path: Path, otherwise: Exception) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise otherwise from None
    try:
        yield
    finally:
        lock.release()
