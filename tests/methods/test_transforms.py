"""The baselines that transform natural images: noise, rotation and distortion."""

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods import METHODS
from modelprint.methods.distortion import Distortion
from modelprint.methods.noise import GaussianNoise
from modelprint.methods.rotation import Rotation
from modelprint.tensors import to_images, to_pixels
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


def test_noise_comes_from_the_seed_and_has_its_size(tiny_model: Classifier, split: DataSet) -> None:
    """Away from black and white its standard deviation is sigma; another seed gives other noise."""
    grey = np.full((32, 1, 8, 8), 128, dtype=np.uint8)
    method = GaussianNoise(sigma=0.05)

    first, again, other = (method.craft(tiny_model, split, grey, seed, Work()).images for seed in (1, 1, 2))

    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (first - to_images(grey)).std().item() == pytest.approx(0.05, rel=0.05)
    assert len(first.unique()) > 1000


def test_a_barrel_fetches_the_middle_of_a_side_from_further_out(tiny_model: Classifier, split: DataSet) -> None:
    """On a ramp from left to right the value at x becomes that at x (1 + strength (x^2 + y^2))."""
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8) * 4, (1, 1, 64, 64)).copy()
    at = (np.arange(64) + 0.5) / 32 - 1
    x, y = at[40], at[32]
    expected = ((x * (1 - 0.1 * (x**2 + y**2)) + 1) * 32 - 0.5) * 4 / 255

    image = Distortion(strength=-0.1).craft(tiny_model, split, ramp, 0, Work()).images[0, 0]

    assert image[32, 40].item() == pytest.approx(expected, abs=1e-6)
    barrel = Distortion(strength=0.3).craft(tiny_model, split, ramp, 0, Work()).images[0, 0]
    assert barrel[32, 40] > image[32, 40]
    assert barrel[0, 0] == 0


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("noise", {"sigma": 0.0}, "sigma must be positive"),
        ("noise", {"sigma": float("inf")}, "sigma must be positive"),
        ("rotation", {"angle": 720.0}, "no multiple of 360"),
        ("rotation", {"angle": float("nan")}, "angle must be finite"),
        ("distortion", {"strength": -0.2}, "above -1/6"),
        ("distortion", {"strength": 0.0}, "not 0"),
    ],
)
def test_what_would_change_nothing_or_fold_the_image_is_refused(
    name: str, settings: dict[str, float], message: str
) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match=message):
        METHODS[name](**settings)
