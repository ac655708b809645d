"""LeNet-5 has the layers of the paper."""

import torch

from modelprint.networks.lenet import LeNet5


def test_number_of_parameters_by_hand() -> None:
    """Convolutions of 156 and 2,416, linear layers of 48,120, 10,164 and 850."""
    network = LeNet5().eval()

    assert sum(p.numel() for p in network.parameters()) == 156 + 2_416 + 48_120 + 10_164 + 850
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_sixteen_maps_of_five_by_five_reach_the_linear_layers() -> None:
    """As in figure 2 of the paper, layer S4."""
    assert LeNet5().convolutions(torch.zeros(1, 1, 28, 28)).shape == (1, 16, 5, 5)
