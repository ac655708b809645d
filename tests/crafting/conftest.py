"""A network of one matrix, on which best images are known in closed form or by trying them all."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.crafting.junction import Precisions
from modelprint.streams import stream

Linear = Callable[..., Precisions]


@pytest.fixture
def linear() -> Linear:
    """Return what makes a network of one matrix that knows so many classes."""

    def make(classes: int, seed: int = 0, shape: tuple[int, int, int] = (1, 2, 3)) -> Precisions:
        layer = nn.Linear(shape[0] * shape[1] * shape[2], classes)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=stream(seed, "weights")))
            layer.bias.copy_(torch.randn(classes, generator=stream(seed, "bias")) / 10)
        network = nn.Sequential(nn.Flatten(), layer)
        return Precisions(Classifier(network, image_shape=shape, class_count=classes))

    return make
