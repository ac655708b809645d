"""Folders with one subfolder of image files per class. The name of the subfolder is the name of the class.

Classes are sorted as text, or as numbers when every name is a number (see `order_class_names`). Files and folders whose
names begin with a dot are ignored, and so are files without the suffix of an image.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from modelprint.data.images import Size, stack
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.names import order_class_names
from modelprint.errors import DataError
from modelprint.files import open_regular
from modelprint.progress import Progress, ignore_progress, track_steps

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm"})
FILE_LIMIT = 64 * 2**20
"""Largest image file, in bytes."""


def read_folder(
    path: Path, *, name: str = "", size: Size | None = None, progress: Progress = ignore_progress
) -> LabelledImages:
    """Read every image below the class folders in `path`, in the order of their names.

    Args:
        path: The folder of class folders.
        name: Name of the images in messages; the folder's name when empty.
        size: Resize every image to this height and width; with None all must have the same size.
        progress: Called after each decoded image.

    Raises:
        DataError: There are no classes, a class has no images, or an image cannot be used; the message names it.
    """
    name = name or path.name
    classes = list_class_folders(path)
    if not classes:
        raise DataError(f"{path}: contains no class folders with images")
    _refuse_parts(path, classes)
    files: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(classes):
        found = list_image_files(folder)
        if not found:
            raise DataError(f"{folder}: contains no images ({', '.join(sorted(ENDINGS))})")
        files += found
        labels += [label] * len(found)
    pixels = stack(track_steps(f"reading {name}", _read_files(files), len(files), progress), len(files), size)
    return LabelledImages(
        pixels=pixels,
        labels=np.array(labels, dtype=np.int64),
        class_names=tuple(folder.name for folder in classes),
        name=name,
    )


def list_class_folders(path: Path) -> list[Path]:
    """Return the folders in `path`, in class order."""
    folders = {entry.name: entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    return [folders[name] for name in order_class_names(folders)]


def list_image_files(folder: Path) -> list[Path]:
    """Return the image files anywhere below `folder`, sorted by path."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()
    )


def _refuse_parts(path: Path, classes: list[Path]) -> None:
    """Refuse folders that may be parts of a data set rather than classes: all hold the same two or more folders."""
    inner = [[folder.name for folder in list_class_folders(folder)] for folder in classes]
    if len(classes) > 1 and len(inner[0]) > 1 and all(names == inner[0] for names in inner):
        raise DataError(
            f"{path}: the folders {_list_some([folder.name for folder in classes])} all hold the folders "
            f"{_list_some(inner[0])}; if these are the classes, call two of the outer folders train and test or give "
            "one of them as the data; if not, put all images of a class into one folder"
        )


def _list_some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", .." if len(names) > 3 else "")


def _read_files(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        with open_regular(path, DataError) as file:
            size = os.fstat(file.fileno()).st_size
            if size > FILE_LIMIT:
                raise DataError(f"{path}: {size} bytes, more than the limit of {FILE_LIMIT} for one image")
            yield str(path), file.read(FILE_LIMIT)
