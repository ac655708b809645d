"""The six-convolution network for traffic signs."""

import torch

from modelprint.networks.cnn6 import Cnn6


def test_number_of_parameters_by_hand() -> None:
    """3x3 convolutions with biases, two parameters per channel of their norms, one linear layer from 2,048."""
    network = Cnn6().eval()
    pairs = [(3, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]

    expected = sum(9 * before * after + 3 * after for before, after in pairs) + 2_049 * 43
    assert sum(p.numel() for p in network.parameters()) == expected == 376_011
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 43)


def test_dropout_is_off_in_evaluation_mode() -> None:
    """The same images get the same logits twice."""
    torch.manual_seed(0)
    network, images = Cnn6().eval(), torch.rand(2, 3, 32, 32)

    assert torch.equal(network(images), network(images))
    network.train()
    assert not torch.equal(network(images), network(images))
