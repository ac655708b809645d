"""A classifier computes in batches that suit its images."""

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier


class Counting(nn.Module):
    """Gives two logits, and remembers how many images came at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        """Note the size of the batch."""
        self.sizes.append(len(images))
        return images.flatten(1)[:, :2]


@pytest.mark.parametrize(("side", "batch"), [(8, 256), (32, 256), (64, 64), (224, 5), (2000, 1)])
def test_batches_are_smaller_for_larger_images(side: int, batch: int) -> None:
    """256 images of 32 by 32 or smaller; always at least one."""
    assert Classifier(nn.Flatten(), image_shape=(3, side, side), class_count=2).batch == batch


def test_logits_are_computed_in_those_batches_unless_told_otherwise() -> None:
    """150 images of 64 by 64 go in three batches; with a size given, in batches of that size."""
    network = Counting()
    model = Classifier(network, image_shape=(1, 64, 64), class_count=2)

    logits = model.logits(torch.zeros(150, 1, 64, 64))
    model.logits(torch.zeros(150, 1, 64, 64), batch=100)

    assert logits.shape == (150, 2)
    assert network.sizes == [64, 64, 22, 100, 50]
