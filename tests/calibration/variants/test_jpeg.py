"""JPEG keeps the shape and flat colours, and changes nearly everything else, at any quality."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.calibration import Forms
from modelprint.calibration.variants.jpeg import jpeg, recompress
from modelprint.classifier import Classifier
from modelprint.errors import CraftingError
from modelprint.tensors import to_images


def noise(*shape: int) -> np.ndarray:
    """Pixels of all grey levels."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_even_the_best_quality_changes_pixels(channels: int) -> None:
    """A little at 100, in images of any side; much at 1."""
    pixels = noise(2, channels, 9, 13)

    best, worst = (recompress(pixels, quality, "4:4:4").astype(int) - pixels for quality in (100, 1))

    assert best.shape == pixels.shape
    assert 0 < np.abs(best).max() <= 4
    assert np.abs(worst).max() > 50


def test_a_flat_grey_image_survives() -> None:
    """One grey level is a single coefficient, which quality 100 keeps."""
    pixels = np.full((1, 3, 16, 16), 77, dtype=np.uint8)

    assert np.array_equal(recompress(pixels, 100, "4:2:0"), pixels)


def test_subsampling_halves_the_resolution_of_colour_alone() -> None:
    """Red and blue columns run into each other; black and white ones do not."""
    coloured, grey = np.zeros((1, 3, 16, 16), dtype=np.uint8), np.zeros((1, 3, 16, 16), dtype=np.uint8)
    coloured[:, 0, :, ::2] = coloured[:, 2, :, 1::2] = 255
    grey[..., ::2] = 255

    lost = {
        (name, how): np.abs(recompress(pixels, 100, how).astype(int) - pixels).max()
        for name, pixels in (("coloured", coloured), ("grey", grey))
        for how in ("4:2:0", "4:4:4")
    }

    assert lost["coloured", "4:2:0"] > 100
    assert max(lost["coloured", "4:4:4"], lost["grey", "4:2:0"]) < 10


def test_the_classifier_gets_what_jpeg_leaves() -> None:
    """A network that returns its pixels shows them."""
    pixels = noise(3, 1, 1, 4)
    forms = Forms(Classifier(nn.Flatten(), image_shape=(1, 1, 4), class_count=4))

    logits = jpeg(forms, to_images(pixels, torch.float64), quality=50, subsampling="4:4:4")

    assert torch.equal(logits, to_images(recompress(pixels, 50, "4:4:4")).flatten(1))


def test_grey_images_have_no_colour_to_subsample() -> None:
    """The variant would be the same as the other, so it is left out."""
    forms = Forms(Classifier(nn.Flatten(), image_shape=(1, 1, 4), class_count=4))

    with pytest.raises(CraftingError, match="no colour"):
        jpeg(forms, torch.zeros(1, 1, 1, 4, dtype=torch.float64), quality=90, subsampling="4:2:0")
