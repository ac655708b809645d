"""Lens distortion of natural images."""

import numpy as np
import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.distortion import Distortion
from modelprint.work import Work


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


@pytest.mark.parametrize(("strength", "message"), [(-0.2, "above -1/6"), (0.0, "not 0")])
def test_a_strength_that_changes_nothing_or_folds_the_image_is_refused(strength: float, message: str) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match=message):
        Distortion(strength=strength)
