"""The L2 ball and the pixel range, against cases known by hand."""

import pytest
import torch

from modelprint.crafting.projection import clip, scale_to_unit


def test_clip_holds_both_bounds() -> None:
    """Far outside: on the ball. Outside the range: clamped, and not farther away than before."""
    source = torch.full((2, 1, 2, 2), 0.9)
    moved = source.clone()
    moved[0, 0, 0, 0] -= 0.8
    moved[1] += 0.4

    clipped = clip(moved, source, 0.5)

    assert (clipped - source).flatten(1).norm(dim=1)[0].item() == pytest.approx(0.5)
    assert clipped.max() <= 1
    assert clip(source, source, 0.5).equal(source)


def test_unit_scales_each_image_and_leaves_nothing_at_nothing() -> None:
    """Length one, however small; zero stays zero, not NaN."""
    gradients = torch.stack([torch.full((1, 2, 2), 1e-9), torch.zeros(1, 2, 2)])

    scaled = scale_to_unit(gradients)

    assert scaled.flatten(1).norm(dim=1).tolist() == pytest.approx([1.0, 0.0])
