"""The small network of the quickstart."""

import torch

from modelprint.networks.digits import DigitsNet


def test_number_of_parameters_by_hand() -> None:
    """Convolutions of 9 x 16 and 9 x 16 x 32, two per channel of their norms, one linear layer from 512."""
    network = DigitsNet().eval()

    assert sum(p.numel() for p in network.parameters()) == 144 + 32 + 4_608 + 64 + 5_130
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_channels_and_classes_can_be_chosen() -> None:
    """Three colours and four classes."""
    assert DigitsNet(class_count=4, channels=3).eval()(torch.zeros(1, 3, 8, 8)).shape == (1, 4)
