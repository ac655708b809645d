"""IDX files, plain or gzipped: the format of MNIST, a magic number, the sizes as 32-bit integers, then the bytes.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section on file formats.

A header may claim any size, so it is compared with the length of the file before memory is allocated, and a gzipped
file is never unpacked beyond the size in its header.
"""

import gzip
import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from modelprint.data.images import DEFLATE_RATIO, allocate_pixels
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.names import number_classes
from modelprint.errors import DataError
from modelprint.files import open_regular, refuse_damage
from modelprint.pixels import SIDE_LIMIT

UNSIGNED_BYTE = 0x08
"""Type number of eight-bit entries, the only type of images and labels."""

CHUNK = 2**20


def read_idx(images: Path, labels: Path, *, class_names: tuple[str, ...] = (), name: str = "") -> LabelledImages:
    """Read a pair of IDX files.

    Args:
        images: Three axes: count, height, width; or four, with the channels last.
        labels: One axis.
        class_names: One name per class; empty numbers them.
        name: Name of the images in messages; the file's name when empty.

    Raises:
        DataError: A file is missing, damaged or has the wrong number of axes, or the two do not match.
    """
    pixels = read_idx_array(images)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.ndim == 4 and pixels.shape[-1] in (1, 3):
        pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    else:
        raise DataError(f"{images}: {pixels.ndim} axes of sizes {pixels.shape}; images are count x height x width")
    if max(pixels.shape[2:]) > SIDE_LIMIT or not pixels.size:
        raise DataError(f"{images}: images of {pixels.shape[2]} x {pixels.shape[3]}; a side is 1 to {SIDE_LIMIT}")
    indices = read_idx_array(labels)
    if indices.ndim != 1:
        raise DataError(f"{labels}: {indices.ndim} axes, but labels have one; are the two files swapped?")
    return LabelledImages(
        pixels=pixels,
        labels=indices.astype(np.int64),
        class_names=class_names or number_classes(indices, labels.name),
        name=name or images.name,
    )


def read_idx_array(path: Path) -> np.ndarray:
    """Return the unsigned bytes in one IDX file, in the shape that it states."""
    with _open(path) as file:
        shape = _read_shape(file, path)
        array = allocate_pixels(str(path), shape)
        _fill(array, file, path)
        if file.read(1):
            raise DataError(f"{path}: more bytes than its header states ({_format_shape(shape)})")
        return array


def count_idx(path: Path) -> int:
    """Return the number of entries that the header of a file states."""
    with _open(path) as file:
        return _read_shape(file, path)[0]


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file, plain or gzipped; what fails while it is read is a DataError."""
    with open_regular(path, DataError) as file, refuse_damage(f"{path}: not a readable IDX file", DataError):
        if path.suffix == ".gz":
            with gzip.open(file, "rb") as plain:
                yield plain
        else:
            yield file


def _read_shape(file: io.BufferedIOBase, path: Path) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"{path}: not an IDX file; it begins with {magic!r} instead of two zero bytes")
    kind, axes = magic[2], magic[3]
    if kind != UNSIGNED_BYTE:
        raise DataError(f"{path}: entries of type 0x{kind:02x}; only unsigned bytes (0x08) are images or labels")
    if not 1 <= axes <= 4:
        raise DataError(f"{path}: {axes} axes; images have three or four, labels have one")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(f"{path}: ends inside its header")
    shape = struct.unpack(f">{axes}I", sizes)
    room = path.stat().st_size * (DEFLATE_RATIO if path.suffix == ".gz" else 1)
    if prod(shape) > room:
        raise DataError(f"{path}: its header states {_format_shape(shape)}, more than a file of this length can hold")
    return shape


def _fill(array: np.ndarray, file: io.BufferedIOBase, path: Path) -> None:
    flat = array.reshape(-1)
    done = 0
    while done < len(flat):
        chunk = file.read(min(CHUNK, len(flat) - done))
        if not chunk:
            raise DataError(f"{path}: ends after {done} of {len(flat)} bytes ({_format_shape(array.shape)})")
        flat[done : done + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
        done += len(chunk)


def _format_shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
