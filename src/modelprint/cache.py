"""Where work that can be done again is kept, and how files come into being whole or not at all."""

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_dir

from modelprint.errors import LoadingError

Thing = TypeVar("Thing")

VARIABLE = "MODELPRINT_CACHE"
"""Environment variable that moves the cache."""


def cache_folder() -> Path:
    """Return `MODELPRINT_CACHE`, or this user's cache folder; it need not exist yet and may be deleted at any time."""
    return Path(os.environ.get(VARIABLE) or user_cache_dir("modelprint", appauthor=False))


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
    """Return what is kept at `path`, or make it and keep it there.

    A damaged entry is logged and made again. One that cannot be written, for want of space say, is logged and returned.

    Args:
        path: The entry's file.
        load: Reads an entry; LoadingError when it is not what was saved.
        make: Makes what is not there.
        save: Writes an entry; OSError when that cannot be done.
        log: Of the room whose entries these are.
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
        log.warning("%s could not be kept, and will have to be made again: %s", path, problem)
    return made


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, then put it in place of `path` in one step.

    Whoever reads `path` sees the old file or the new one, never a part of either, even after a power cut.

    Args:
        path: The file to be; missing folders above it are made.
        write: Writes the whole file at the path it is given, which ends like `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The ending stays, since np.savez and others append one that is missing; the folder stays, since only a rename
    # inside one file system is a single step.
    draft = path.with_name(f".{secrets.token_hex(6)}.{path.name}")
    try:
        write(draft)
        _flush(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Put a file of `text`, as UTF-8, in place of `path` in one step."""

    def write(draft: Path) -> None:
        draft.write_text(text, encoding="utf-8")

    write_atomically(path, write)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
