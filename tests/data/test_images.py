"""Image files to pixels."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from modelprint.data import images
from modelprint.data.images import decode, stack
from modelprint.errors import DataError

Encoder = Callable[..., bytes]
Painter = Callable[..., np.ndarray]


@pytest.mark.parametrize(("kind", "settings"), [("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("PPM", {})])
def test_lossless_files_give_back_their_pixels(
    kind: str, settings: dict[str, bool], image_file: Encoder, colour: Painter
) -> None:
    """Channels come first, and every level is as it was written."""
    pixels = decode(image_file(colour(70), kind, **settings))

    assert pixels.shape == (3, 2, 3)
    assert [int(channel[0, 0]) for channel in pixels] == [70, 71, 72]


def test_a_jpeg_is_read(image_file: Encoder) -> None:
    """A grey JPEG of one level comes back as one channel of that level."""
    assert np.array_equal(decode(image_file(np.full((8, 8), 128, np.uint8), "JPEG")), np.full((1, 8, 8), 128))


def test_a_black_and_white_image_is_grey(image_file: Encoder) -> None:
    """One-bit images become levels 0 and 255."""
    assert decode(image_file(np.array([[True, False]]))).tolist() == [[[255, 0]]]


def test_an_opaque_alpha_channel_is_dropped(image_file: Encoder, colour: Painter) -> None:
    """RGBA without transparent pixels is as good as RGB; grey with alpha stays grey."""
    alpha = np.full((2, 3, 1), 255, np.uint8)

    assert decode(image_file(np.concatenate([colour(9), alpha], axis=2))).shape == (3, 2, 3)
    assert decode(image_file(np.concatenate([colour(9)[:, :, :1], alpha], axis=2))).shape == (1, 2, 3)


def test_transparent_pixels_are_refused(image_file: Encoder, colour: Painter) -> None:
    """What is behind a transparent pixel is not ours to guess."""
    alpha = np.full((2, 3, 1), 254, np.uint8)

    with pytest.raises(ValueError, match="flatten it"):
        decode(image_file(np.concatenate([colour(9), alpha], axis=2)))


def test_sixteen_bits_are_refused(image_file: Encoder) -> None:
    """More than eight bits a channel would have to be rounded."""
    with pytest.raises(ValueError, match="eight bits"):
        decode(image_file(np.zeros((2, 2), np.uint16)))


def png_of_16_bits(colour_type: int, channels: int) -> bytes:
    """Return one pixel with 16 bits in each of its channels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 16, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"\0" + b"\xff\xfe" * channels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        png_of_16_bits(2, 3),
        png_of_16_bits(4, 2),
        png_of_16_bits(6, 4),
        png_of_16_bits(0, 1),
        b"P6 1 1 65535 " + b"\xff\xfe" * 3,
        b"P6 1 1 256 " + b"\0\1" * 3,
        b"P5 1 1 65535 " + b"\xff\xfe",
        b"P5 1 1 1023 " + b"\0\1",
        b"P3 1 1 65535 1 2 3 ",
        b"P2 1 1 65535 1 ",
    ],
)
def test_sixteen_bits_of_every_kind_are_refused(content: bytes) -> None:
    """Colour and transparency too, where Pillow drops the low byte of each value."""
    with pytest.raises(ValueError, match="16 bits a channel do not fit into eight bits"):
        decode(content)


def test_a_pointer_of_git_lfs_is_no_image() -> None:
    """A clone without its large files is full of them."""
    with pytest.raises(ValueError, match="git lfs pull"):
        decode(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


@pytest.mark.parametrize("count", [1, 3])
def test_a_wrong_number_of_images_is_refused(count: int, image_file: Encoder, colour: Painter) -> None:
    """Memory that was never filled must not become pixels."""
    files = [("a", image_file(colour(1))), ("b", image_file(colour(2)))]

    with pytest.raises(DataError, match="stated"):
        stack(files, count=count)


def test_a_huge_image_is_refused_before_decoding(image_file: Encoder) -> None:
    """A small file that says it is very wide costs nothing."""
    with pytest.raises(ValueError, match="more than the limit of 4096"):
        decode(image_file(np.zeros((1, 4097), np.uint8)))


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"not an image at all"])
def test_other_bytes_are_refused(content: bytes) -> None:
    """What is no image is a ValueError, whatever Pillow calls it."""
    with pytest.raises(ValueError, match="not a readable image"):
        decode(content)


def test_a_cut_file_is_refused(image_file: Encoder) -> None:
    """Half an image is not filled up with grey."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)

    for kind in ("PNG", "JPEG", "WEBP"):
        content = image_file(noise, kind)
        with pytest.raises(ValueError, match="not a readable image"):
            decode(content[: len(content) // 2])


def test_resizing_is_that_of_pillow(image_file: Encoder) -> None:
    """`size` is height and width, and the filter is bilinear."""
    noise = np.random.default_rng(0).integers(0, 256, (8, 6), dtype=np.uint8)

    expected = np.asarray(Image.fromarray(noise).resize((3, 4), Image.Resampling.BILINEAR))

    assert np.array_equal(decode(image_file(noise), size=(4, 3))[0], expected)


@pytest.mark.parametrize("grey_first", [True, False])
def test_grey_images_among_colour_ones_become_colour(grey_first: bool, image_file: Encoder, colour: Painter) -> None:
    """The set has three channels, and those of the grey image are equal."""
    grey = ("grey", image_file(np.full((2, 3), 40, np.uint8)))
    files = [grey, ("colour", image_file(colour(70)))]

    pixels = stack(files if grey_first else files[::-1], count=2)

    assert pixels.shape == (2, 3, 2, 3)
    assert sorted(pixels[:, :, 0, 0].tolist()) == [[40, 40, 40], [70, 71, 72]]


def test_images_of_different_sizes_are_no_set(image_file: Encoder, colour: Painter) -> None:
    """The error names the image, both sizes and the way out."""
    files = [("a.png", image_file(colour(1))), ("b.png", image_file(colour(1, height=5)))]

    with pytest.raises(DataError, match=r"b\.png is 5 x 3 pixels, but the images before it are 2 x 3.*resize"):
        stack(files, count=2)
    assert stack(files, count=2, size=(2, 2)).shape == (2, 3, 2, 2)


def test_a_damaged_image_is_named() -> None:
    """The error says where the image is."""
    with pytest.raises(DataError, match="row 3: not a readable image"):
        stack([("row 3", b"nothing")], count=1)


def test_more_pixels_than_the_limit_are_refused(
    image_file: Encoder, colour: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room for all images is asked for once, after the first image, and has a limit."""
    monkeypatch.setattr(images, "DECODED_LIMIT", 35)

    with pytest.raises(DataError, match="2 x 3 x 2 x 3 pixels are more than the limit"):
        stack([("first", image_file(colour(1)))], count=2)


@pytest.mark.parametrize("lossless", [True, False])
def test_the_canvas_of_a_webp_file_is_checked_before_its_decoder_starts(lossless: bool, image_file: Encoder) -> None:
    """The decoder makes room for the whole canvas: 2 GB for a file of thirty bytes."""
    content = bytearray(image_file(np.zeros((8, 8, 3), dtype=np.uint8), "WEBP", lossless=lossless))
    if lossless:
        content[21:25] = struct.pack("<I", 9_999 | 9 << 14)
    else:
        content[26:30] = struct.pack("<HH", 10_000, 10)
    extended = content[:12] + b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\x0f\x27\0" + b"\x09\0\0" + content[12:]

    for one in (content, extended):
        with pytest.raises(ValueError, match=r"^10 x 10000 pixels, more than the limit of 4096 a side"):
            decode(bytes(one))


def test_a_bomb_is_an_error_and_no_warning() -> None:
    """Pillow would print two lines, and decode it."""
    with pytest.raises(ValueError, match=r"not a readable image .*decompression bomb"):
        decode(b"P6 10000 10000 255\n")


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    """Each takes a few bytes, and as long as a whole image."""
    buffer = io.BytesIO()
    Image.new("L", (1024, 1024)).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    scan = content[content.rindex(images.JPEG_SCAN) : -2]

    assert decode(content).shape == (1, 1024, 1024)
    with pytest.raises(ValueError, match="it has 10006 scans, more than 64"):
        decode(content[:-2] + scan * 10_000 + content[-2:])
