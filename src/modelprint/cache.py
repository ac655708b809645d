"""The cache folder, cached work, and atomic writing of files."""

import errno
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_dir

from modelprint.errors import LoadingError, ModelprintError

Thing = TypeVar("Thing")

VARIABLE = "MODELPRINT_CACHE"
"""Environment variable that moves the cache."""


def cache_folder() -> Path:
    """Return `MODELPRINT_CACHE`, or the user's cache folder; it may not exist yet and may be deleted at any time.

    Raises:
        ModelprintError: The variable is not set and the user has no home folder.
    """
    named = os.environ.get(VARIABLE)
    try:
        return Path(named or user_cache_dir("modelprint", appauthor=False))
    except RuntimeError as problem:
        raise ModelprintError(
            f"there is no home folder for the cache: set HOME, or {VARIABLE} to a folder"
        ) from problem


def content_key(inputs: object) -> str:
    """Return twenty hexadecimal digits that follow from `inputs`, plain data: the key of a cache entry."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]


def load_or_make(
    path: Path,
    load: Callable[[Path], Thing],
    make: Callable[[], Thing],
    save: Callable[[Thing, Path], None],
    log: logging.Logger,
) -> Thing:
    """Load the entry at `path`, or make it and save it there.

    A damaged entry is logged and made again. If an entry cannot be written, e.g. because the disk is full, this is
    logged, and the entry is returned all the same.

    Args:
        path: The entry's file.
        load: Reads an entry; raises LoadingError when it is damaged.
        make: Makes a missing entry.
        save: Writes an entry; raises OSError when that fails.
        log: The caller's log.
    """
    if path.is_file():
        try:
            return load(path)
        except LoadingError as problem:
            log.warning("damaged cache entry, made again: %s", problem)
            path.unlink(missing_ok=True)
    made = make()
    try:
        save(made, path)
    except OSError as problem:
        log.warning("%s could not be saved and will be made again next time: %s", path, problem)
    return made


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` write a temporary file beside `path`, then rename it to `path` in one step.

    A reader of `path` sees the complete old file or the complete new one, even after a power failure.

    Args:
        path: The file; missing folders above it are created.
        write: Writes the whole file at the path it is given, which has the suffix of `path`.

    Raises:
        OSError: It cannot be written, or something is there that is not a regular file; names `path`.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise FileExistsError(errno.EEXIST, "is not a regular file and is not replaced", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Same suffix, since np.savez and others append a missing one; same folder, since only a rename inside one file
    # system is atomic.
    draft = path.with_name(f".{secrets.token_hex(6)}.{path.name}")
    try:
        write(draft)
        _flush(draft)
        draft.replace(path)
    except OSError as problem:
        # Errors of `write` name no file, e.g. on a full disk, and others the draft.
        if problem.errno is None:
            raise
        raise OSError(problem.errno, problem.strerror, str(path)) from problem
    finally:
        draft.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, atomically."""

    def write(draft: Path) -> None:
        draft.write_text(text, encoding="utf-8")

    write_atomically(path, write)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`, atomically."""

    def write(draft: Path) -> None:
        draft.write_bytes(content)

    write_atomically(path, write)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
