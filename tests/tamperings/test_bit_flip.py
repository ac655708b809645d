"""The flip that is found is the one an exhaustive search finds."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.streams import stream
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.bit_flip import PLACE, BitFlip, flip_bit, quantise_layers, search
from modelprint.tamperings.tampering import named_weights
from modelprint.tensors import Images, Labels, to_images

BYTES = [value - 256 if value > 127 else value for value in range(256)]
"""Signed value of every byte, by its bits."""


def with_bit_flipped(weight: Tensor, index: int, bit: int) -> Tensor:
    """Return a quantised weight with one bit of one integer flipped: through a table, not through the code we test."""
    step = weight.abs().max() / 127
    integer = int((weight.flatten()[index] / step).round())
    changed = weight.clone().flatten()
    changed[index] = BYTES[BYTES.index(integer) ^ (1 << bit)] * step
    return changed.view_as(weight)


def loss_of(network: nn.Module, name: str, weight: Tensor, images: Images, labels: Labels) -> float:
    """Return the loss of the batch with another weight in one layer."""
    with torch.no_grad():
        return F.cross_entropy(torch.func.functional_call(network, {name: weight}, (images,)), labels).item()


def losses(network: nn.Module, images: Images, labels: Labels, candidates: int) -> dict[tuple[str, int, int], float]:
    """Return the loss after every single-bit flip of the candidates: in each layer, the weights of largest gradient."""
    names = [f"{n}.weight" for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    weights = dict(network.named_parameters())
    gradients = torch.autograd.grad(F.cross_entropy(network(images), labels), [weights[n] for n in names])
    found = {}
    for name, gradient in zip(names, gradients, strict=True):
        for index in gradient.flatten().abs().argsort(descending=True)[:candidates].tolist():
            for bit in range(8):
                weight = with_bit_flipped(weights[name].detach(), index, bit)
                found[name.removesuffix(".weight"), index, bit] = loss_of(network, name, weight, images, labels)
    return found


def linear_network(seed: int) -> nn.Module:
    """A convolution and a linear layer with two classes and no ReLU between them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2)).eval()


@pytest.mark.parametrize("seed", range(5))
def test_the_first_flip_is_that_of_an_exhaustive_search_over_all_bits(seed: int) -> None:
    """With one image and two classes the loss rises with the margin alone, and the margin is linear in each layer.

    So first order ranks the bits of a layer as the loss does, and the search must find the best of all 1,296 flips.
    """
    network = linear_network(seed)
    layers = quantise_layers(network)
    images = torch.rand(1, 1, 8, 8, generator=stream(seed))
    labels = network(images).argmax(1)

    flips, loss = search(network, layers, images, labels, candidates=1000)

    everything = losses(network, images, labels, candidates=1000)
    assert len(everything) == (18 + 144) * 8
    best = max(everything, key=everything.__getitem__)
    assert [(flip.layer.name, flip.index, flip.bit) for flip in flips] == [best]
    assert loss == pytest.approx(everything[best], rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_on_a_trained_network_each_layer_proposes_by_gradient_and_the_loss_decides(
    seed: int, tiny_model: Classifier, split: DataSet
) -> None:
    """It is the best of all proposals; what first order overlooks within a layer is less than a fifth of the loss."""
    network = tiny_model.network
    layers = quantise_layers(network)
    images = to_images(split.train.pixels[seed::5])
    labels = network(images).argmax(1)

    ((flip,), loss) = search(network, layers, images, labels, candidates=10)

    everything = losses(network, images, labels, candidates=10)
    assert loss == pytest.approx(everything[flip.layer.name, flip.index, flip.bit], rel=1e-6)
    proposals = []
    for layer in layers:
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(images), labels), [layer.weight])
        mine = [key for key in everything if key[0] == layer.name]
        changes = [
            with_bit_flipped(layer.weight.detach(), i, b).flatten()[i] - layer.weight.flatten()[i] for _, i, b in mine
        ]
        rises = [(change * gradient.flatten()[i]).item() for change, (_, i, _) in zip(changes, mine, strict=True)]
        proposals.append(mine[rises.index(max(rises))])
    assert (flip.layer.name, flip.index, flip.bit) == max(proposals, key=everything.__getitem__)
    assert loss >= 0.8 * max(everything.values())


def test_a_flip_in_twos_complement() -> None:
    """Of 5 = 00000101 and of -1 = 11111111; the top bit takes 128 away, and a second flip brings the value back."""
    assert [flip_bit(5, bit) for bit in range(8)] == [4, 7, 1, 13, 21, 37, 69, -123]
    assert [flip_bit(-1, bit) for bit in (0, 7)] == [-2, 127]
    assert all(flip_bit(flip_bit(value, bit), bit) == value for value in range(-128, 128) for bit in range(8))
    assert all(abs(flip_bit(value, bit) - value) == abs(int(PLACE[bit])) for value in (-3, 90) for bit in range(8))


def test_a_suspect_is_the_quantised_network_with_one_weight_changed(tiny_model: Classifier, split: DataSet) -> None:
    """The reference of the second kind: every other weight is that of `int8-weights`; the notes tell the flip."""
    quantised = make_suspect("int8-weights", SUITE["int8-weights"](), tiny_model, split, seed=0)

    suspect = make_suspect("bit-flip", BitFlip(images=16), tiny_model, split, seed=0)

    before, after = named_weights(quantised.classifier.network), named_weights(suspect.classifier.network)
    changed = [(name, index) for name in before for index in (before[name] != after[name]).flatten().nonzero().tolist()]
    ((name, (index,)),) = changed
    assert f"{name}[{index}] bit " in suspect.notes
    assert suspect.goal_reached
    assert suspect.goal_value is not None
    assert f"loss {suspect.notes.split('loss ')[1].split(' ')[0]} -> {suspect.goal_value:.4g}" in suspect.notes


def test_every_search_starts_from_the_flips_before(tiny_model: Classifier, split: DataSet) -> None:
    """Three searches on the same batch: each raises the loss further."""
    reached = [
        make_suspect("bit-flip", BitFlip(images=16, flips=flips), tiny_model, split, seed=0).goal_value
        for flips in (1, 2, 3)
    ]

    assert reached == sorted(reached)
    assert len(set(reached)) == 3


class Guarded(nn.Module):
    """Two equal weights: the logit of class 0 is the larger of their products, so neither matters without the other."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 2, bias=False)
        self.linear.weight.data.fill_(1.0)
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        larger = self.scale * self.linear(images[:, 0, 0]).amax(1)
        return torch.stack([larger, torch.zeros_like(larger) - 1], dim=1)


def test_when_one_bit_cannot_raise_the_loss_two_are_flipped() -> None:
    """Either weight guards the other; with both top bits flipped the larger product falls from 1 to -1/127."""
    network = Guarded(scale=1.0)
    layers = quantise_layers(network)

    flips, loss = search(network, layers, torch.ones(1, 1, 1, 1), torch.tensor([0]), candidates=2)

    assert [(flip.index, flip.bit) for flip in flips] == [(0, 7), (1, 7)]
    assert loss == pytest.approx(F.cross_entropy(torch.tensor([[-1 / 127, -1]]), torch.tensor([0])).item())


def test_when_no_bit_matters_nothing_is_flipped() -> None:
    """Weights that are multiplied by zero have no gradient."""
    network = Guarded(scale=0.0)

    flips, loss = search(network, quantise_layers(network), torch.ones(1, 1, 1, 1), torch.tensor([0]), candidates=2)

    assert flips == []
    assert loss == pytest.approx(F.cross_entropy(torch.tensor([[0.0, -1]]), torch.tensor([0])).item())


def test_counts_are_positive() -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match="candidates must be at least 1, got 0"):
        BitFlip(candidates=0)
