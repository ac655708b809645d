"""Rotation: all images turn by one angle."""

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.rotation import Rotation
from modelprint.tensors import to_pixels
from modelprint.work import Work


@pytest.mark.parametrize(("angle", "turns"), [(90.0, 1), (180.0, 2), (-90.0, 3)])
def test_quarter_turns_are_exact(angle: float, turns: int, tiny_model: Classifier, split: DataSet) -> None:
    """Counter-clockwise, pixel by pixel, as numpy turns an array."""
    sources = split.train.pixels[:4]

    crafted = Rotation(angle=angle).craft(tiny_model, split, sources, 0, Work())

    assert np.array_equal(to_pixels(crafted.images), np.rot90(sources, turns, axes=(2, 3)))


def test_corners_that_come_into_view_are_black(tiny_model: Classifier, split: DataSet) -> None:
    """A white image turned by 45 degrees: its corners reach from outside, its centre stays."""
    white = np.full((1, 1, 8, 8), 255, dtype=np.uint8)

    image = Rotation(angle=45.0).craft(tiny_model, split, white, 0, Work()).images[0, 0]

    assert image[0, 0] == image[0, 7] == image[7, 0] == image[7, 7] == 0
    assert torch.allclose(image[3:5, 3:5], torch.ones(2, 2))


@pytest.mark.parametrize(("angle", "message"), [(720.0, "no multiple of 360"), (float("nan"), "angle must be finite")])
def test_an_angle_that_changes_nothing_is_refused(angle: float, message: str) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match=message):
        Rotation(angle=angle)
