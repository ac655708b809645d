"""Folders with one folder per class, and image files in it. The folder's name is the name of the class.

Classes are in the order of their names, or of their numbers when every name is a number (so that 10 comes after 9).
Files and folders whose names begin with a dot are passed over; so are files that are not images by their ending.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from modelprint.data.images import Size, stack
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError
from modelprint.progress import Progress, silent, steps

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm"})
FILE_LIMIT = 64 * 2**20
"""Most bytes of one image file."""


def read_folder(path: Path, *, name: str = "", size: Size | None = None, progress: Progress = silent) -> LabelledImages:
    """Read every image below the class folders in `path`, in the order of their names.

    Args:
        path: The folder of class folders.
        name: What to call the images in messages; the folder's name when empty.
        size: Resize every image to this height and width; None demands that all have one size.
        progress: Told after each decoded image.

    Raises:
        DataError: There are no classes, a class has no images, or an image cannot be used; says which.
    """
    name = name or path.name
    classes = class_folders(path)
    if not classes:
        raise DataError(f"{path}: there are no class folders with images in it")
    files: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(classes):
        found = image_files(folder)
        if not found:
            raise DataError(f"{folder}: there are no images of this class ({', '.join(sorted(ENDINGS))})")
        files += found
        labels += [label] * len(found)
    pixels = stack(steps(f"reading {name}", _contents(files), len(files), progress), len(files), size)
    return LabelledImages(
        pixels=pixels,
        labels=np.array(labels, dtype=np.int64),
        class_names=tuple(folder.name for folder in classes),
        name=name,
    )


def class_folders(path: Path) -> list[Path]:
    """Return the folders in `path`, in the order of their classes."""
    folders = [entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    if all(_is_number(folder.name) for folder in folders):
        return sorted(folders, key=lambda folder: (int(folder.name), folder.name))
    return sorted(folders, key=lambda folder: folder.name)


def image_files(folder: Path) -> list[Path]:
    """Return the image files anywhere below `folder`, sorted by path."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()
    )


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _contents(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        if file.stat().st_size > FILE_LIMIT:
            raise DataError(f"{file}: {file.stat().st_size} bytes, more than the limit of {FILE_LIMIT} for one image")
        yield str(file), file.read_bytes()
