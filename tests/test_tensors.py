"""Eight-bit pixels and images in [0, 1]."""

import numpy as np
import torch

from modelprint.tensors import to_images, to_pixels


def test_levels_are_fractions_of_255() -> None:
    """51 is a fifth; float64 is exact to its last bit."""
    pixels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3)

    assert to_images(pixels).flatten().tolist() == torch.tensor([0.0, 0.2, 1.0]).tolist()
    assert to_images(pixels, torch.float64)[0, 0, 0, 1].item() == 51 / 255


def test_all_levels_survive_the_way_there_and_back() -> None:
    """In half precision too."""
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)

    for dtype in (torch.float16, torch.float32, torch.float64):
        assert np.array_equal(to_pixels(to_images(pixels, dtype)), pixels)


def test_values_are_rounded_to_the_nearest_level_and_clipped() -> None:
    """0.4 levels go to 0, 0.6 to 1, what is outside of [0, 1] to its ends."""
    images = torch.tensor([0.4, 0.6, -3.0 * 255, 2.0 * 255]).reshape(1, 1, 1, 4) / 255

    assert to_pixels(images).flatten().tolist() == [0, 1, 0, 255]


def test_views_with_negative_strides_are_taken() -> None:
    """A mirrored array is no obstacle."""
    pixels = np.array([[[[1, 2]]]], np.uint8)[..., ::-1]

    assert (to_images(pixels) * 255).round().flatten().tolist() == [2.0, 1.0]
