"""Serving behind an endpoint that takes JPEG only: pixels are encoded and decoded by Pillow, in memory."""

import io
from typing import Literal

import numpy as np
from PIL import Image

from modelprint.calibration.forms import Forms
from modelprint.calibration.variants.fp32 import float32
from modelprint.errors import CraftingError
from modelprint.pixels import OnePixels, Pixels
from modelprint.tensors import Images, Logits, to_images, to_pixels

Subsampling = Literal["4:2:0", "4:4:4"]
"""Colour at half the resolution in both directions, which is Pillow's default, or at the full one."""


def jpeg(forms: Forms, images: Images, *, quality: int, subsampling: Subsampling) -> Logits:
    """Compute in float32 on the images after JPEG compression."""
    if images.shape[1] == 1 and subsampling != "4:4:4":
        raise CraftingError("a grey image has no colour that could be subsampled")
    return float32(forms, to_images(recompress(to_pixels(images), quality, subsampling)))


def recompress(pixels: Pixels, quality: int, subsampling: Subsampling) -> Pixels:
    """Return `pixels`, of 1 or 3 channels, after JPEG compression at a quality of 1 to 100."""
    return np.stack([_recompress_one(image, quality, subsampling) for image in pixels])


def _recompress_one(pixels: OnePixels, quality: int, subsampling: Subsampling) -> OnePixels:
    grey = len(pixels) == 1
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[0] if grey else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.save(buffer, format="JPEG", quality=quality, subsampling=subsampling)
    with Image.open(buffer, formats=["JPEG"]) as decoded:
        array = np.asarray(decoded)
    return array[None].copy() if grey else np.ascontiguousarray(array.transpose(2, 0, 1))
