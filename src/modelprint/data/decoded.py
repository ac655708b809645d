"""A cache of decoded image sets: fifty thousand WebP files are decoded once, not at every start."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL

from modelprint.cache import cache_folder, write_atomically
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import ModelprintError

FORMAT = "images-2"
"""Change it whenever the same files would give other pixels, labels or names."""


def load_or_decode(path: Path, settings: str, read: Callable[[], LabelledImages]) -> LabelledImages:
    """Return the result of `read` for the file at `path`, from the cache when it is there.

    A damaged entry is decoded again and replaced. A cache that cannot be written is ignored.

    Args:
        path: The only file that `read` uses.
        settings: Everything else that its result depends on.
        read: Decodes the file.
    """
    # Pillow's version is part of the key, since another JPEG decoder may round differently.
    key = hashlib.sha256("\n".join([FORMAT, PIL.__version__, settings, file_sha256(path)]).encode()).hexdigest()
    try:
        entry = cache_folder() / "images" / f"{key}.npz"
    except ModelprintError:  # without a home folder nothing is cached
        return read()
    known = _load(entry)
    if known is not None:
        return known
    fresh = read()
    _store(entry, fresh)
    return fresh


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load(entry: Path) -> LabelledImages | None:
    try:
        with np.load(entry, allow_pickle=False) as arrays:
            return LabelledImages(
                pixels=arrays["pixels"],
                labels=arrays["labels"],
                class_names=tuple(arrays["class_names"].tolist()),
                name=str(arrays["name"]),
            )
    except FileNotFoundError:
        return None
    # Every member is read in full, so a flipped bit fails its checksum. Any damage is handled by decoding again.
    except Exception:
        return None


def _store(entry: Path, images: LabelledImages) -> None:
    def write(path: Path) -> None:
        np.savez(
            path,
            pixels=images.pixels,
            labels=images.labels,
            class_names=np.array(images.class_names, dtype=np.str_),
            name=np.array(images.name),
        )

    try:
        write_atomically(entry, write)
    except OSError:
        return  # A full or read-only disk only costs time at the next start.
