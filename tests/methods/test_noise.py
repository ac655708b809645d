"""Gaussian noise on natural images."""

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.noise import GaussianNoise
from modelprint.tensors import to_images
from modelprint.work import Work


def test_noise_comes_from_the_seed_and_has_its_size(tiny_model: Classifier, split: DataSet) -> None:
    """Away from black and white its standard deviation is sigma; another seed gives other noise."""
    grey = np.full((32, 1, 8, 8), 128, dtype=np.uint8)
    method = GaussianNoise(sigma=0.05)

    first, again, other = (method.craft(tiny_model, split, grey, seed, Work()).images for seed in (1, 1, 2))

    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (first - to_images(grey)).std().item() == pytest.approx(0.05, rel=0.05)
    assert len(first.unique()) > 1000


@pytest.mark.parametrize("sigma", [0.0, float("inf")])
def test_noise_of_no_or_infinite_size_is_refused(sigma: float) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match="sigma must be positive"):
        GaussianNoise(sigma=sigma)
