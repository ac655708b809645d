"""Noise on weights and mean gradients, against networks known by hand."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.func import functional_call

from modelprint.ownership.noisy_weights import NoisyWeights, mean_gradient, target_loss
from modelprint.streams import stream


def small() -> nn.Sequential:
    """Return a convolution with bias, a batch norm that moves and scales its channels, and a linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).eval()
    network[1].running_mean.copy_(torch.tensor([0.3, -0.2]))
    network[1].running_var.copy_(torch.tensor([4.0, 0.25]))
    network[1].weight.data.copy_(torch.tensor([1.0, -0.5]))
    network[1].bias.data.copy_(torch.tensor([0.7, 0.1]))
    return network


def test_weights_and_biases_move_within_the_folded_bounds() -> None:
    """A batch norm that multiplies channels by 1/2 and -1 halves the bound of the first channel and keeps the other."""
    noisy, rng = NoisyWeights(small(), 0.1), stream(0, "test")

    draws = [noisy.draw(rng) for _ in range(300)]

    own = dict(noisy.network.named_parameters())
    assert sorted(draws[0]) == ["0.bias", "0.weight", "3.bias", "3.weight"]
    reach = {name: torch.stack([d[name] - own[name] for d in draws]).abs().amax(0) for name in draws[0]}
    expected = torch.tensor([0.05, 0.1])
    assert torch.allclose(reach["0.weight"], expected[:, None, None, None].expand(2, 1, 3, 3), rtol=0.05)
    assert torch.allclose(reach["0.bias"], expected, rtol=0.05)
    assert torch.allclose(reach["3.weight"], torch.full((3, 8), 0.1), rtol=0.05)


def test_a_draw_of_the_folded_network_is_one_of_the_network() -> None:
    """Unfolded by hand and put into the original, it gives the same logits; the original was left alone."""
    network, images = small(), torch.rand(4, 1, 4, 4)
    before = network(images)
    noisy = NoisyWeights(network, 0.1)
    draw = noisy.draw(stream(0, "test"))

    answers = functional_call(noisy.network, draw, (images,))

    own, scale = dict(noisy.network.named_parameters()), torch.tensor([0.5, -1.0])
    moved = copy.deepcopy(network)
    moved[0].weight.data += (draw["0.weight"] - own["0.weight"]) / scale[:, None, None, None]
    moved[0].bias.data += (draw["0.bias"] - own["0.bias"]) / scale
    moved[3].load_state_dict({"weight": draw["3.weight"], "bias": draw["3.bias"]})
    assert torch.allclose(answers, moved(images), atol=1e-4)
    assert not torch.allclose(answers, before, atol=1e-2)
    assert torch.equal(network(images), before)


def test_layers_without_bias_get_none_and_nothing_else_moves() -> None:
    """Folding adds a bias that has no noise; a batch norm that cannot be folded away stays too."""
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.Flatten()).eval()

    assert list(NoisyWeights(network, 0.1).draw(stream(0, "test"))) == ["1.weight"]
    assert NoisyWeights(network, 0.0).draw(stream(0, "test")) == {}


def test_noise_is_uniform_within_the_bound() -> None:
    """It reaches nearly to the bound and no further, on both sides, with the spread of a uniform law."""
    layer = nn.Linear(100, 100)

    drawn = NoisyWeights(layer, 0.03).draw(stream(0, "test"))

    change = drawn["weight"] - layer.weight
    assert 0.0299 < change.max() <= 0.03001
    assert -0.03001 <= change.min() < -0.0299
    assert change.std().item() == pytest.approx(0.03 / math.sqrt(3), rel=0.02)


def test_layers_of_an_own_class_move_too() -> None:
    """Such a network is not folded, since its layers would no longer be seen."""

    class Own(nn.Conv2d):
        pass

    network = nn.Sequential(Own(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten()).eval()
    network[1].running_var.fill_(100.0)

    drawn = NoisyWeights(network, 0.1).draw(stream(0, "test"))

    assert list(drawn) == ["0.weight", "0.bias"]
    assert (drawn["0.weight"] - network[0].weight).abs().max() > 0.05


def test_relative_noise_is_as_large_as_the_weights_of_its_layer() -> None:
    """A layer of weights 2 moves by up to 2 x bound, one of 0.5 by up to 0.5 x bound."""
    network = nn.Sequential(nn.Linear(50, 50, bias=False), nn.Linear(50, 50, bias=False))
    nn.init.constant_(network[0].weight, 2.0)
    nn.init.constant_(network[1].weight, -0.5)

    drawn = NoisyWeights(network, 0.1, relative=True).draw(stream(0, "test"))

    assert (drawn["0.weight"] - 2).abs().max().item() == pytest.approx(0.2, rel=0.01)
    assert (drawn["1.weight"] + 0.5).abs().max().item() == pytest.approx(0.05, rel=0.01)


def test_a_network_that_shows_no_layers_is_refused() -> None:
    """There is nothing to put noise on."""
    with pytest.raises(ValueError, match="needs convolutions or linear layers"):
        NoisyWeights(nn.Flatten(), 0.1)


def test_the_loss_is_the_cross_entropy() -> None:
    """Of three classes; and where float32 would say zero, it is the odds."""
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [40.0, 0.0, -math.inf]])
    labels = torch.tensor([0, 2, 0])

    loss = target_loss(logits, labels)

    assert torch.allclose(loss[:2], nn.functional.cross_entropy(logits[:2], labels[:2], reduction="none"))
    assert loss[2].item() == pytest.approx(math.exp(-40), rel=1e-4)


def test_the_gradient_of_a_linear_network_is_known() -> None:
    """Logits W x of two classes: the gradient for class 0 is p1 (w1 - w0), whatever is beside it in the batch."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    network[1].weight.data = torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 3.0]])
    images = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.9, 0.1, 0.8, 0.0]]).view(2, 1, 2, 2)

    gradient = mean_gradient(network, [{}], images, torch.tensor([0, 0]))

    p = network(images).softmax(1)[:, 1].detach()
    difference = torch.tensor([-1.0, 1.0, -2.0, 3.0]).view(1, 1, 2, 2)
    assert torch.allclose(gradient, p.view(2, 1, 1, 1) * difference)


def test_the_mean_is_that_of_the_single_gradients() -> None:
    """Three draws at once are as three networks that carry one draw each."""
    noisy, rng = NoisyWeights(small(), 0.2), stream(0, "test")
    network, images, labels = noisy.network, torch.rand(5, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1])
    draws = [noisy.draw(rng) for _ in range(3)]

    together = mean_gradient(network, draws, images, labels)

    singles = []
    for draw in draws:
        moved = copy.deepcopy(network)
        moved.load_state_dict({**moved.state_dict(), **draw})
        x = images.clone().requires_grad_()
        nn.functional.cross_entropy(moved(x), labels, reduction="sum").backward()
        singles.append(x.grad)
    assert torch.allclose(together, torch.stack(singles).mean(0), atol=1e-6)
    assert not torch.allclose(singles[0], singles[1])
