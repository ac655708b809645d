"""The network of one hidden layer is two matrix products and a ReLU."""

import torch

from modelprint.networks import NETWORKS
from modelprint.networks.mlp import Mlp


def test_answer_worked_out_by_hand() -> None:
    """Two pixels, two hidden units: (0.5, 1) gives hidden (0.5, 0) and logits (1, -0.5)."""
    network = Mlp(2, hidden=2, class_count=2)
    network.hidden.weight.data = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    network.linear.weight.data = torch.tensor([[2.0, 5.0], [-1.0, 7.0]])
    network.hidden.bias.data.zero_()
    network.linear.bias.data.zero_()

    logits = network(torch.tensor([[[[0.5, 1.0]]]]))

    torch.testing.assert_close(logits, torch.tensor([[1.0, -0.5]]))


def test_published_sizes() -> None:
    """784-256-10 for digits: 256 x 785 weights and biases, then 10 x 257."""
    count = sum(p.numel() for p in NETWORKS["mlp"].make(class_count=10, channels=1).parameters())

    assert count == 256 * 785 + 10 * 257
