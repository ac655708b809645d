"""VGG-11 for 32x32 images."""

import torch

from modelprint.networks.vgg import Vgg11


def test_layers_are_those_of_configuration_a() -> None:
    """9,220,480 parameters of eight convolutions, two per channel of their norms, and 513 for each of ten classes."""
    network = Vgg11(class_count=10).eval()
    norms = 2 * (64 + 128 + 2 * 256 + 4 * 512)

    assert sum(p.numel() for p in network.parameters()) == 9_220_480 + norms + 513 * 10
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_five_poolings_leave_one_pixel() -> None:
    """32 pixels halved five times."""
    assert Vgg11().eval().convolutions(torch.zeros(1, 3, 32, 32)).shape == (1, 512, 1, 1)
