"""Static quantisation to eight-bit integers."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.calibration import pick_range_images, static_int8
from modelprint.classifier import Classifier


def test_range_images_are_evenly_spread_from_the_first_to_the_last() -> None:
    """Three of five images are 0, 2 and 4; of two images both."""
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 2), dtype=np.uint8)

    assert (pick_range_images(pixels, 3)[:, 0, 0, 0] * 255).round().tolist() == [0, 2, 4]
    assert len(pick_range_images(pixels[:2], 3)) == 2


def test_equal_models_give_equal_files() -> None:
    """Nothing of the machine's source files is in them."""
    pytest.importorskip("onnxruntime")
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    model = Classifier(network, image_shape=(1, 2, 2), class_count=2, name="linear")
    images = torch.rand(6, 1, 2, 2, generator=torch.Generator().manual_seed(0))

    first, again = static_int8(model, images), static_int8(model.copy(), images)

    assert first == again
    assert __file__.encode() not in first
