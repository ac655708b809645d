"""NumPy archives: `x_train`, `y_train`, `x_test`, `y_test`, or `pixels` and `labels` with optional `class_names`.

Arrays of Python objects are never loaded, since loading them would run code. The sizes in the headers are compared
with the length of the archive's members before memory is allocated, and only the arrays that are named above are read.
"""

import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from modelprint.data.images import DECODED_LIMIT, DEFLATE_RATIO
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.names import CLASS_LIMIT, number_classes
from modelprint.errors import DataError
from modelprint.files import open_regular, refuse_damage
from modelprint.pixels import SIDE_LIMIT, Pixels

PARTS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test"), "": ("pixels", "labels")}
"""The arrays of each part; the part without a name is a set without a split."""

NAMES = "class_names"

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
    damaged = f"{path}: not a readable .npz file"
    with open_regular(path, DataError) as file, refuse_damage(damaged, DataError), zipfile.ZipFile(file) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        parts = _find_parts(path, members)
        wanted = [key for key in (*sum(parts.values(), ()), NAMES) if key in members]
        _check_lengths(path, [members[key] for key in wanted])
        arrays = {key: _read_array(path, archive, members[key]) for key in wanted}
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


def _find_parts(path: Path, names: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the parts that are complete, with the names of their arrays."""
    parts = {part: keys for part, keys in PARTS.items() if set(keys) <= set(names)}
    if not parts or (len(parts) == 1 and "" not in parts):
        raise DataError(
            f"{path}: expected the arrays x_train, y_train, x_test and y_test, or pixels and labels; "
            f"found {', '.join(sorted(names))[:200] or 'none'}"
        )
    return parts


def _check_lengths(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Compare what the directory states with the length of the file and with the limit."""
    total = sum(member.file_size for member in members)
    if total > DECODED_LIMIT:
        raise DataError(f"{path}: {total} bytes of arrays, more than the limit of {DECODED_LIMIT}")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{path}: {member.filename} is compressed by method {member.compress_type}; use deflate")
        ratio = DEFLATE_RATIO if member.compress_type == zipfile.ZIP_DEFLATED else 1
        if member.file_size > ratio * member.compress_size:
            raise DataError(f"{path}: {member.filename} states more bytes than its {member.compress_size} can hold")
    if sum(member.compress_size for member in members) > path.stat().st_size:
        raise DataError(f"{path}: its members are longer than the file")


def _read_array(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """Read one array, after a look at the size in its header."""
    with archive.open(member) as file, _without_warnings():
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    if prod(shape) * dtype.itemsize > member.file_size:
        raise DataError(f"{path}: {member.filename} states {shape} entries, but holds fewer")
    with archive.open(member) as file, _without_warnings():
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return array


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence NumPy about headers as Python 2 wrote them, which it reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
    if array.dtype == np.uint64 and array.max(initial=0) >= 2**63:
        raise DataError(f"{path}: {key} holds the label {array.max()}")
    return array.astype(np.int64)


def _read_class_names(path: Path, arrays: dict[str, np.ndarray], parts: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    if NAMES in arrays:
        names = arrays[NAMES]
        if names.ndim != 1 or names.dtype.kind != "U":
            raise DataError(f"{path}: class_names is {names.dtype} with {names.ndim} axes, expected a list of texts")
        if len(names) > CLASS_LIMIT:
            raise DataError(f"{path}: {len(names)} class names, more than the limit of {CLASS_LIMIT}")
        with refuse_damage(f"{path}: class_names holds no text", DataError):  # numbers that are no characters
            return tuple(names.tolist())
    numbered = [number_classes(_check_labels(path, labels, arrays[labels]), path.name) for _, labels in parts.values()]
    return max(numbered, key=len)
