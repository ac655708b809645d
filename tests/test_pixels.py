"""Pixels go through PNG bytes unchanged; anything but a plain 8-bit PNG is refused."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from modelprint.pixels import SIDE_LIMIT, Picture, decode_png, encode_png


def file_of(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    """Return `image` as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_survive_a_file(channels: int) -> None:
    """Grey and colour, height and width of their own."""
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 5, 3), dtype=np.uint8)

    picture = Picture.of(pixels)

    assert np.array_equal(picture.pixels, pixels)
    assert np.array_equal(decode_png(encode_png(pixels)), pixels)
    assert picture.sha256 == hashlib.sha256(picture.png).hexdigest()


def test_the_file_has_no_chunk_that_changes_colours() -> None:
    """Header, data and end: no colour profile, gamma or text."""
    png = encode_png(np.zeros((3, 2, 2), np.uint8))

    chunks, at = [], 8
    while at < len(png):
        chunks.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    assert chunks == [b"IHDR", b"IDAT", b"IEND"]


def test_two_channels_are_no_picture() -> None:
    """PNG has no such colour mode."""
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        encode_png(np.zeros((2, 4, 4), np.uint8))


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "I;16", "1"])
def test_other_modes_are_refused(mode: str) -> None:
    """Transparency, palettes, 16 bits and one bit."""
    with pytest.raises(ValueError, match="expected an 8-bit grey or RGB PNG, got mode"):
        decode_png(file_of(Image.new(mode, (4, 4))))


def test_animations_and_huge_images_are_refused() -> None:
    """Before any pixel is decoded."""
    frames = [Image.new("L", (4, 4), level) for level in (0, 255)]

    with pytest.raises(ValueError, match="got an animation"):
        decode_png(file_of(frames[0], save_all=True, append_images=frames[1:]))
    with pytest.raises(ValueError, match=f"at most {SIDE_LIMIT} pixels"):
        decode_png(file_of(Image.new("L", (SIDE_LIMIT + 1, 1))))


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", file_of(Image.new("L", (4, 4)), "JPEG")])
def test_other_files_are_refused(content: bytes) -> None:
    """Nothing, a bare signature, and another format."""
    with pytest.raises(ValueError, match="not a readable PNG"):
        decode_png(content)
