"""Small convolutional networks take images of any size and are counted by hand."""

import pytest
import torch

from modelprint.networks import NETWORKS


@pytest.mark.parametrize(("name", "widths"), [("cnn3", (16, 32, 64)), ("cnn4", (32, 64, 128, 128))])
def test_weights_are_nine_for_each_pair_of_channels_and_two_for_each_norm(name: str, widths: tuple[int, ...]) -> None:
    """And the last layer's ten of each channel, with ten biases."""
    network = NETWORKS[name].make(class_count=10, channels=3)

    pairs = zip((3, *widths), widths, strict=False)
    expected = sum(9 * a * b + 2 * b for a, b in pairs) + 10 * widths[-1] + 10
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 11, 17)])
def test_any_size_is_taken(shape: tuple[int, int, int]) -> None:
    """The mean over what is left of the image feeds the last layer."""
    network = NETWORKS["cnn4"].make(class_count=7, channels=shape[0]).eval()

    assert network(torch.rand(2, *shape)).shape == (2, 7)
