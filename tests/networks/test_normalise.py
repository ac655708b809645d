"""Normalisation is a constant first layer."""

import torch

from modelprint.networks.normalise import Normalise, Normalised


def test_each_channel_has_its_own_mean_and_deviation() -> None:
    """(0.5 - 0.1) / 0.2 is 2, (0.5 - 0.9) / 0.4 is -1."""
    layer = Normalise((0.1, 0.9), (0.2, 0.4))

    normalised = layer(torch.full((1, 2, 1, 1), 0.5))

    torch.testing.assert_close(normalised.flatten(), torch.tensor([2.0, -1.0]))


def test_the_constants_are_no_weights_but_follow_the_type() -> None:
    """They are not saved, and float64 networks compute in float64."""
    layer = Normalise((0.1307,), (0.3081,))

    assert layer.state_dict() == {}
    assert layer.double()(torch.zeros(1, 1, 1, 1, dtype=torch.float64)).dtype == torch.float64


def test_a_network_of_normalised_images_takes_images() -> None:
    """The weights are those of the network alone, under its own prefix."""
    inner = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2))
    network = Normalised(inner, (0.1, 0.9), (0.2, 0.4))

    torch.testing.assert_close(network(torch.full((1, 2, 1, 1), 0.5)), inner(torch.tensor([[[[2.0]], [[-1.0]]]])))
    assert set(network.state_dict()) == {"network.1.weight", "network.1.bias"}
