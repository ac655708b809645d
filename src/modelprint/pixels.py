"""Eight-bit pixels and the exact PNG bytes that carry them. Needs no torch.

An endpoint receives a file, so the file is the identity of a sample: `Picture` keeps the bytes unchanged and decodes
them once. Files may be malicious: format, mode and size are checked before any pixel is decoded.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Pixels = UInt8[np.ndarray, "n c h w"]
OnePixels = UInt8[np.ndarray, "c h w"]

SIDE_LIMIT = 4096
"""Longest side of an image, in pixels."""

MODES = {"L": 1, "RGB": 3}
"""Supported colour modes and their channel counts."""


@dataclass(frozen=True)
class Picture:
    """One image as it is sent: the exact PNG bytes, and their pixels.

    Attributes:
        png: The file's bytes; 8-bit grey or RGB, no alpha, no palette.
    """

    png: bytes

    @classmethod
    def of(cls, pixels: OnePixels) -> "Picture":
        """Encode `pixels` (uint8, channels first, 1 or 3 channels)."""
        return cls(encode_png(pixels))

    @cached_property
    def pixels(self) -> OnePixels:
        """The decoded pixels, channels first; raises ValueError when the bytes are not a plain 8-bit PNG."""
        return decode_png(self.png)

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the PNG bytes."""
        return hashlib.sha256(self.png).hexdigest()


def encode_png(pixels: OnePixels) -> bytes:
    """Return `pixels` as a PNG without colour profile, gamma or text chunks."""
    channels = pixels.shape[0]
    if channels not in MODES.values():
        raise ValueError(f"a picture has 1 or 3 channels, got {channels}")
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[0] if channels == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def decode_png(content: bytes) -> OnePixels:
    """Return the pixels of a plain 8-bit PNG; ValueError when it is anything else."""
    try:
        with refuse_bombs(), Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.mode not in MODES:
                raise ValueError(f"expected an 8-bit grey or RGB PNG, got mode {image.mode}")
            if max(image.size) > SIDE_LIMIT:
                raise ValueError(f"a picture is at most {SIDE_LIMIT} pixels wide and high, got {image.size}")
            if getattr(image, "is_animated", False):
                raise ValueError("expected a still PNG, got an animation")
            array = np.asarray(image, dtype=np.uint8)
    except ValueError:
        raise
    except Exception as problem:  # Pillow raises OSError, SyntaxError, EOFError and others on damaged files
        raise ValueError(f"not a readable PNG: {problem}") from problem
    return array[None].copy() if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


@contextmanager
def refuse_bombs() -> Iterator[None]:
    """Let Pillow's warning of a huge image be an error inside the block: it is read like any other, and never shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
