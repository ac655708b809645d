"""The CIFAR residual networks have the published sizes and shortcuts."""

import pytest
import torch

from modelprint.networks import NETWORKS
from modelprint.networks.resnet import BasicBlock, PadShortcut


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet20", 269_722), ("resnet32", 464_154), ("resnet44", 658_586), ("resnet56", 853_018)],
)
def test_numbers_of_parameters_are_those_of_the_public_networks(name: str, parameters: int) -> None:
    """Table 6 of the paper rounds them to 0.27, 0.46, 0.66 and 0.85 million."""
    network = NETWORKS[name].make(class_count=10, channels=3).eval()

    assert sum(p.numel() for p in network.parameters()) == parameters
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_padded_shortcut_takes_every_second_pixel_between_zero_channels() -> None:
    """One channel of 4 x 4 becomes three of 2 x 2, of which the middle one has the pixels."""
    image = torch.arange(16.0).reshape(1, 1, 4, 4)

    wider = PadShortcut(1)(image)

    assert wider[0, 1].tolist() == [[0.0, 2.0], [8.0, 10.0]]
    assert wider.shape == (1, 3, 2, 2)
    assert wider[0, [0, 2]].abs().max() == 0


def test_a_block_of_zero_weights_is_its_shortcut() -> None:
    """With convolutions of zero only the shortcut and the last ReLU remain."""
    block = BasicBlock(2, 2, stride=1).eval()
    block.conv2.weight.data.zero_()
    image = torch.tensor([-1.0, 3.0]).reshape(1, 2, 1, 1)

    assert block(image).flatten().tolist() == [0.0, 3.0]
