"""Folding batch norms changes no output."""

import pytest
import torch
from torch import nn

from modelprint.fast.folding import fold_batch_norm
from modelprint.networks import NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_folding_leaves_the_answers_and_removes_the_norms(name: str) -> None:
    """In float64 the folded network agrees to 1e-9; only norms that no convolution precedes directly remain."""
    torch.manual_seed(0)
    architecture = NETWORKS[name]
    network = architecture.make(class_count=architecture.class_count, channels=architecture.image_shape[0]).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    images = torch.rand(2, *architecture.image_shape, dtype=torch.float64)

    folded = fold_batch_norm(network.eval())

    torch.testing.assert_close(folded(images), network(images), rtol=1e-9, atol=1e-9)
    left = [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(left) == (6 if name == "cnn6" else 0)  # there the ReLU comes before the norm


def test_what_cannot_be_traced_is_copied() -> None:
    """Control flow on values: the plain network comes back, as a copy."""

    class Branches(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    network = Branches()
    assert isinstance(fold_batch_norm(network), Branches)
    assert fold_batch_norm(network) is not network


def test_a_fold_worked_out_by_hand() -> None:
    """6 (2 x + 1 - 3) / sqrt(4) + 5 is 6 x - 1: one convolution with weight 6 and bias -1, in float64."""
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)
    network = nn.Sequential(convolution, norm).double().eval()
    convolution.weight.data.fill_(2)
    convolution.bias.data.fill_(1)
    norm.weight.data.fill_(6)
    norm.bias.data.fill_(5)
    norm.running_mean.fill_(3)
    norm.running_var.fill_(4)

    folded = fold_batch_norm(network)

    ((name, layer),) = folded.named_children()
    assert (name, layer.weight.item(), layer.bias.item()) == ("0", 6.0, -1.0)
    assert folded(torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)).item() == 2.0
