"""Decode image files: all readers of data sets use this module. Needs no torch.

Data sets may come from any source, so format, mode and size are checked before any pixel is decoded. Decoding loses
nothing: images that would need a choice (transparency, more than eight bits) are refused, not converted. Orientation
tags are not applied; pixels are returned as stored.
"""

import io
from collections.abc import Iterable
from math import prod

import numpy as np
from PIL import Image, ImageFile

from modelprint.errors import DataError
from modelprint.files import LFS_HINT, LFS_START
from modelprint.pixels import SIDE_LIMIT, OnePixels, Pixels, refuse_bombs

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM")
"""Supported image formats, by Pillow's names; PPM includes PGM."""

GREY_MODES = frozenset({"1", "L"})
COLOUR_MODES = frozenset({"RGB", "P", "CMYK", "YCbCr"})
TRANSPARENT_MODES = frozenset({"LA", "PA", "RGBA"})

DECODED_LIMIT = 16 * 2**30
"""Largest data set, in bytes of pixels."""

DEFLATE_RATIO = 1040
"""Deflate packs at most 1032 bytes into one; the rest allows for rounding."""

JPEG_SCAN = b"\xff\xda"
"""Marker of a scan, which does not occur within one."""

SCAN_LIMIT = 64
"""Scans of a large JPEG; encoders write about ten."""

Size = tuple[int, int]
"""Height and width in pixels."""


def decode(content: bytes, size: Size | None = None) -> OnePixels:
    """Return the pixels of one image file; ValueError when it cannot be used.

    Args:
        content: A PNG, JPEG, WebP, BMP, PPM or PGM file.
        size: Resize to this height and width (Pillow's bilinear filter); None keeps its size.

    Returns:
        One channel for a grey image, three for any other.
    """
    if content.startswith(LFS_START):
        raise ValueError(LFS_HINT)
    _check_sides(*_read_webp_size(content))
    try:
        with refuse_bombs(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_scans(image, content)
            array = np.asarray(_resize(_convert_mode(image), size))
    except ValueError:
        raise
    # Pillow raises many kinds on damaged files: OSError, SyntaxError, EOFError, struct.error, DecompressionBombError.
    except Exception as problem:
        raise ValueError(f"not a readable image ({problem})") from problem
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def stack(files: Iterable[tuple[str, bytes]], count: int, size: Size | None = None) -> Pixels:
    """Decode `files` into one array; a grey image among colour images gets three equal channels.

    Args:
        files: For each image, its place in words, and its bytes.
        count: Number of files.
        size: Resize to this height and width; with None all images must have the same size.

    Raises:
        DataError: An image cannot be decoded or has another size than the first, or there are too many.
    """
    pixels: Pixels = np.empty((0, 1, 0, 0), dtype=np.uint8)
    index = -1
    for index, (where, content) in enumerate(files):
        try:
            one = decode(content, size)
        except ValueError as problem:
            raise DataError(f"{where}: {problem}") from problem
        if index == 0:
            pixels = allocate_pixels(where, (count, *one.shape))
        if one.shape[1:] != pixels.shape[2:]:
            raise DataError(
                f"{where} is {_format_size(one)} pixels, but the images before it are {_format_size(pixels)}; "
                f"all images of a set need the same size: resize them, or give a size to the reader"
            )
        if len(one) > pixels.shape[1]:
            pixels = np.repeat(pixels, len(one), axis=1)
        if index >= count:
            raise DataError(f"{where}: more images than the {count} that were stated")
        pixels[index] = one
    if index + 1 != count:
        raise DataError(f"{index + 1} images, but {count} were stated")
    return pixels


def allocate_pixels(where: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an uninitialised uint8 array of `shape`; DataError when it exceeds the limit on memory."""
    if prod(shape) > DECODED_LIMIT:
        raise DataError(
            f"{where}: {' x '.join(map(str, shape))} pixels are more than the limit of {DECODED_LIMIT / 2**30:g} GiB; "
            f"give fewer or smaller images"
        )
    return np.empty(shape, dtype=np.uint8)


def _convert_mode(image: Image.Image) -> Image.Image:
    """Return `image` in mode L or RGB; its size is checked before it is decoded."""
    _check_sides(*image.size)
    if _is_deep(image):
        raise ValueError("16 bits a channel do not fit into eight bits; convert it to 8-bit grey or RGB")
    if image.mode in TRANSPARENT_MODES or "transparency" in image.info:
        return _drop_alpha(image)
    if image.mode in GREY_MODES:
        return image.convert("L")
    if image.mode in COLOUR_MODES:
        return image.convert("RGB")
    raise ValueError(f"mode {image.mode} does not fit into eight bits a channel; convert it to 8-bit grey or RGB")


def _check_sides(width: int, height: int) -> None:
    if max(width, height) > SIDE_LIMIT:
        raise ValueError(f"{height} x {width} pixels, more than the limit of {SIDE_LIMIT} a side")


def _check_scans(image: Image.Image, content: bytes) -> None:
    """Refuse a progressive JPEG that visits its pixels again and again: thirty bytes of a scan cost as much as all."""
    scans = content.count(JPEG_SCAN) if image.format == "JPEG" else 0
    if scans > SCAN_LIMIT and scans * prod(image.size) > SCAN_LIMIT * SIDE_LIMIT**2 // 4:
        raise ValueError(f"it has {scans} scans, more than {SCAN_LIMIT}, which no encoder needs")


def _read_webp_size(content: bytes) -> Size:
    """Return the width and height in the header of a WebP file, whose decoder makes room before anyone can ask.

    Source: RFC 9649, sections 2.5 to 2.7. Other files have no such size: 0, 0.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return 0, 0
    kind, head = content[12:16], content[20:30]
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF


def _is_deep(image: Image.Image) -> bool:
    """Return whether the file has more than eight bits a channel, which Pillow drops where its mode has only eight.

    The tiles, which are known before decoding, have the mode of the file: "RGB;16B" in a PNG, or the largest value of a
    PPM.
    """
    arguments = image.tile[0][3] if isinstance(image, ImageFile.ImageFile) and image.tile else None
    if isinstance(arguments, str):
        return ";16" in arguments
    if image.format == "PPM" and isinstance(arguments, tuple):
        return any(isinstance(one, int) and one > 255 for one in arguments)
    return False


def _drop_alpha(image: Image.Image) -> Image.Image:
    full = image.convert("RGBA")
    if full.getchannel("A").getextrema() != (255, 255):
        raise ValueError("it has transparent pixels; flatten it onto a background first")
    return full.convert("L" if image.mode in {"L", "LA"} else "RGB")


def _resize(image: Image.Image, size: Size | None) -> Image.Image:
    return image if size is None else image.resize((size[1], size[0]), Image.Resampling.BILINEAR)


def _format_size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[-2]} x {pixels.shape[-1]}"
