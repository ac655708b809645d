"""NumPy archives: `x_train`, `y_train`, `x_test`, `y_test`, or `pixels` and `labels` with optional `class_names`.

Arrays of Python objects are never loaded, since loading them would run code. The sizes in the headers are compared
with the length of the archive's members before memory is allocated.
"""

import zipfile
from math import prod
from pathlib import Path

import numpy as np

from modelprint.data.images import DECODED_LIMIT
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError
from modelprint.pixels import SIDE_LIMIT, Pixels

PARTS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test"), "": ("pixels", "labels")}
"""The arrays of each part; the part without a name is a set without a split."""

CHANNELS = (1, 3)


def read_npz(path: Path, *, name: str = "") -> dict[str, LabelledImages]:
    """Read a NumPy archive.

    Args:
        path: The file. Images are uint8, count x height x width, with 1 or 3 channels before or after height and width.
        name: Name of the images in messages; the file's name when empty.

    Returns:
        The parts `train` and `test`, or a single one called "".

    Raises:
        DataError: The archive or one of its arrays cannot be used; the message names it.
    """
    name = name or path.name
    try:
        _check_sizes(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except FileNotFoundError as problem:
        raise DataError(f"{path}: no such file") from problem
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as problem:
        raise DataError(f"{path}: not a readable .npz file ({problem})") from problem
    parts = {part: keys for part, keys in PARTS.items() if set(keys) <= set(arrays)}
    if not parts or (len(parts) == 1 and "" not in parts):
        raise DataError(
            f"{path}: expected the arrays x_train, y_train, x_test and y_test, or pixels and labels; "
            f"found {', '.join(sorted(arrays)) or 'none'}"
        )
    class_names = _read_class_names(path, arrays, parts)
    return {
        part: LabelledImages(
            pixels=_check_pixels(path, images, arrays[images]),
            labels=_check_labels(path, labels, arrays[labels]),
            class_names=class_names,
            name=f"{name}/{part}" if part else name,
        )
        for part, (images, labels) in parts.items()
    }


def _check_sizes(path: Path) -> None:
    """Compare the size in each header with the length of its member, and the total with the limit."""
    with zipfile.ZipFile(path) as archive:
        total = sum(member.file_size for member in archive.infolist())
        if total > DECODED_LIMIT:
            raise DataError(f"{path}: {total} bytes of arrays, more than the limit of {DECODED_LIMIT}")
        for member in archive.infolist():
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
            if prod(shape) * dtype.itemsize > member.file_size:
                raise DataError(f"{path}: {member.filename} states {shape} entries, but holds fewer")


def _check_pixels(path: Path, key: str, array: np.ndarray) -> Pixels:
    if array.dtype != np.uint8:
        raise DataError(f"{path}: {key} is {array.dtype}, expected uint8 (grey levels 0 to 255)")
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4:
        raise DataError(f"{path}: {key} has {array.ndim} axes, expected 3 (grey) or 4")
    first, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if first == last:
        raise DataError(
            f"{path}: {key} is {' x '.join(map(str, array.shape))}; "
            f"{'both' if first else 'neither'} of its axes 2 and 4 can be 1 or 3 channels"
        )
    array = np.ascontiguousarray(array if first else array.transpose(0, 3, 1, 2))
    if max(array.shape[2:]) > SIDE_LIMIT:
        raise DataError(f"{path}: {key} has images of {array.shape[2]} x {array.shape[3]}, the limit is {SIDE_LIMIT}")
    return array


def _check_labels(path: Path, key: str, array: np.ndarray) -> np.ndarray:
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"{path}: {key} is {array.dtype}, expected integers")
    if array.ndim == 2 and array.shape[1] == 1:  # as in Keras
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{path}: {key} has {array.ndim} axes, expected one")
    return array.astype(np.int64)


def _read_class_names(path: Path, arrays: dict[str, np.ndarray], parts: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    if "class_names" in arrays:
        names = arrays["class_names"]
        if names.ndim != 1 or names.dtype.kind != "U":
            raise DataError(f"{path}: class_names is {names.dtype} with {names.ndim} axes, expected a list of texts")
        return tuple(names.tolist())
    count = 1 + max(int(arrays[labels].max(initial=0)) for _, labels in parts.values())
    return tuple(map(str, range(count)))
