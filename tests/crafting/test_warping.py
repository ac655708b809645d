import pytest
import torch

from modelprint.crafting.warping import Plane, warp


def test_a_map_that_moves_nothing_gives_the_image_back() -> None:
    """Pixel centres are met exactly, whatever the shape."""
    images = torch.rand(2, 3, 5, 8, generator=torch.Generator().manual_seed(0))

    assert torch.allclose(warp(images, lambda x, y: (x, y)), images, atol=1e-6)


def test_half_the_longer_side_is_one() -> None:
    """In a 2x8 image one pixel is a quarter: fetching from there moves the image left and lets black in."""
    images = torch.arange(16.0).view(1, 1, 2, 8) / 15

    moved = warp(images, lambda x, y: (x + 0.25, y))

    assert torch.allclose(moved[..., :7], images[..., 1:], atol=1e-6)
    assert moved[..., 7].abs().max() < 1e-6


def test_between_two_pixels_stands_their_mean() -> None:
    """Half a pixel to the right, bilinearly."""

    def half_a_pixel(x: Plane, y: Plane) -> tuple[Plane, Plane]:
        return x + 0.25, y

    moved = warp(torch.tensor([[[[0.0, 0.2, 0.6, 1.0]] * 4]]), half_a_pixel)

    assert moved[0, 0, 1].tolist() == pytest.approx([0.1, 0.4, 0.8, 0.5])
