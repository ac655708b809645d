"""A picture of a fingerprint holds pixels and nothing else, and all of them decode."""

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modelprint.fingerprint import pictures

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def encoded(image: Image.Image, **options: Any) -> bytes:
    """Return an image as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


GREY = Image.new("L", (8, 8), 7)


def with_first_picture(path: Path, png: bytes, remade: Remake) -> Path:
    """Return a file whose first sample is these bytes, with a manifest that agrees."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members["samples/0000.png"] = png
        manifest["members"]["samples/0000.png"] = {"sha256": hashlib.sha256(png).hexdigest(), "size": len(png)}

    return remade(path, change)


@pytest.mark.parametrize(
    ("png", "expected"),
    [
        (b"", "sample 0: not a PNG"),
        (b"GIF89a", "sample 0: not a PNG"),
        (encoded(Image.new("RGB", (8, 8))), "sample 0 has shape (3, 8, 8)"),
        (encoded(Image.new("L", (9, 8))), "sample 0 has shape (1, 8, 9)"),
        (encoded(Image.new("LA", (8, 8))), "depth 8 and colour type 4"),
        (encoded(Image.new("I;16", (8, 8))), "depth 16 and colour type 0"),
        (encoded(Image.new("1", (8, 8))), "depth 1 and colour type 0"),
        (encoded(Image.new("P", (8, 8))), "IHDR, IDAT and IEND chunks only, found IDAT, IEND, IHDR, PLTE"),
        (encoded(GREY, transparency=7), "found IDAT, IEND, IHDR, tRNS"),
        (encoded(GREY, icc_profile=b"x" * 200), "found IDAT, IEND, IHDR, iCCP"),
        (encoded(GREY, dpi=(72, 72)), "found IDAT, IEND, IHDR, pHYs"),
        (encoded(GREY) + b"more", "the PNG ends in the middle of a chunk"),
        (encoded(GREY) + encoded(GREY)[8:], "a sample is a PNG of IHDR, IDAT and IEND chunks only"),
        (encoded(GREY)[:-5], "the PNG ends in the middle of a chunk"),
        (encoded(GREY)[:20], "the PNG ends in the middle of a chunk"),
        (encoded(GREY)[:8], "found none"),
        (encoded(GREY).replace(b"IDAT", b"\x1b\nAT"), r"found IEND, IHDR, \x1b\nAT"),
    ],
)
def test_a_picture_that_is_not_plain_is_refused(
    saved: Path, png: bytes, expected: str, reason: Callable[[Path], str], remade: Remake
) -> None:
    """What two servers might read differently, or a sample does not need, is not in a fingerprint."""
    assert expected in reason(with_first_picture(saved, png, remade))


def test_a_picture_whose_pixels_are_broken_is_refused(
    saved: Path, reason: Callable[[Path], str], remade: Remake
) -> None:
    """Bytes with a good header, a good hash and nothing to decode are found when the file is read, not when asked."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"junk") + chunk(b"IEND", b"")

    assert reason(with_first_picture(saved, png, remade)).startswith("samples/0000.png: not a readable PNG")


def test_the_pixels_of_all_pictures_are_bounded(
    saved: Path, monkeypatch: pytest.MonkeyPatch, reason: Callable[[Path], str]
) -> None:
    """A small file cannot ask for much memory: well-compressed pictures count by their pixels."""
    monkeypatch.setattr(pictures, "PIXEL_LIMIT", 400)

    assert reason(saved) == "the pictures have 448 values together, the limit is 400"
