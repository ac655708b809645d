"""Progressive bit search: flip the bit of an int8 network that raises the loss most.

Source: A. S. Rakin, Z. He and D. Fan, "Bit-Flip Attack: Crushing Neural Network with Progressive Bit Search", ICCV
2019, https://arxiv.org/abs/1903.12269, and its public code (elliothe/BFA), as in MiSentry appendix C.2, which flips the
most important bit.

1. Round the weights of every convolution and linear layer to eight bits, as `int8-weights` does.
2. On one batch of training images, with the network's own labels, take the gradient of the cross-entropy.
3. In each layer, among the weights of largest gradient, propose the bit whose flip raises the loss most to first order:
   gradient times the bit's place value, which is negative for the top bit and for a bit that is set.
4. Measure the loss with each layer's proposal in turn, and keep the proposal of the layer with the largest loss. When
   none raises the loss, every layer proposes one bit more.

Departures: the candidates of a layer are the 100 weights of largest gradient (in the code, 10 or all of them, depending
on the call). The batch differs with the seed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Int64
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.networks.int8 import round_weights
from modelprint.networks.layers import list_layers
from modelprint.progress import Progress, track_steps
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trigger import draw
from modelprint.tensors import Images, Labels, to_images

PLACE = torch.tensor([1, 2, 4, 8, 16, 32, 64, -128])
"""Value of each set bit of a two's complement byte, lowest bit first."""


@dataclass(frozen=True, kw_only=True)
class BitFlip:
    """Quantise to eight bits and flip the bits that raise the loss most, one search after another.

    Attributes:
        flips: Number of searches; each flips one bit, or more when one cannot raise the loss.
        candidates: Weights of largest gradient considered in each layer.
        images: Training images in the batch.
    """

    flips: int = 1
    candidates: int = 100
    images: int = 128

    def __post_init__(self) -> None:
        for name in ("flips", "candidates", "images"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def deterministic(self) -> bool:
        """The batch differs with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the quantised network with its bits flipped."""
        network = model.copy().network
        layers = quantise_layers(network)
        images = to_images(draw(data.train, self.images, rng).pixels)
        with torch.no_grad():
            labels = network(images).argmax(1)
        before = batch_loss(network, images, labels)
        notes, after = [], before
        for _ in track_steps("flipping bits", range(self.flips), self.flips, progress):
            flips, after = search(network, layers, images, labels, self.candidates)
            notes += [flip.apply() for flip in flips]
        return Tampered(
            network=network,
            steps=len(notes),
            goal="loss of the batch above that of the quantised network",
            goal_value=after,
            goal_reached=after > before,
            notes=f"{'; '.join(notes)}; loss {before:.4g} -> {after:.4g}",
        )


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution or linear layer whose weights are multiples of one step.

    Attributes:
        name: Name in the network.
        weight: Its float weights, integers times `step`.
        step: Value of one unit.
    """

    name: str
    weight: Tensor
    step: Tensor

    def integers(self) -> Int64[Tensor, " weights"]:
        """Return the weights as integers, flat."""
        return (self.weight.detach().flatten() / self.step).round().long()

    def put(self, index: int, value: int) -> None:
        """Set one weight to an integer."""
        self.weight.data.view(-1)[index] = value * self.step


@dataclass(frozen=True, eq=False)
class Flip:
    """One bit of one weight.

    Attributes:
        layer: The layer of the weight.
        index: Index of the weight in the flattened layer.
        bit: 0 (lowest) to 7 (the sign).
    """

    layer: Layer
    index: int
    bit: int

    def apply(self) -> str:
        """Flip the bit and return a note about it; a second call flips it back."""
        old = int(self.layer.integers()[self.index])
        new = flip_bit(old, self.bit)
        self.layer.put(self.index, new)
        return f"{self.layer.name}.weight[{self.index}] bit {self.bit}: {old} -> {new}"


def quantise_layers(network: nn.Module) -> list[Layer]:
    """Round the weights of `network`, in place, and return its convolution and linear layers."""
    modules = list_layers(network)
    step_sizes = [module.weight.detach().abs().max().clamp_min(1e-12) / 127 for _, module in modules]
    round_weights(network)
    return [Layer(n, m.weight, step) for (n, m), step in zip(modules, step_sizes, strict=True)]


def search(
    network: nn.Module, layers: Sequence[Layer], images: Images, labels: Labels, candidates: int
) -> tuple[list[Flip], float]:
    """Return the flips that raise the loss most, not yet applied, and the resulting loss.

    Args:
        network: Quantised, in evaluation mode.
        layers: Its layers, from `quantise_layers`.
        images: The batch.
        labels: The network's labels of the batch before any flip.
        candidates: Weights of largest gradient considered in each layer.
    """
    gradients = _compute_gradients(network, layers, images, labels)
    before = batch_loss(network, images, labels)
    ranked = [rank_flips(layer, g, candidates) for layer, g in zip(layers, gradients, strict=True)]
    best: tuple[list[Flip], float] = ([], before)
    for count in range(1, 1 + max(map(len, ranked), default=0)):
        for flips in ranked:
            with _apply_temporarily(flips[:count]):
                loss = batch_loss(network, images, labels)
            if loss > best[1]:
                best = (flips[:count], loss)
        if best[0]:
            break
    return best


def rank_flips(layer: Layer, gradient: Tensor, candidates: int) -> list[Flip]:
    """Return the bits of the weights of largest gradient, sorted by the first-order rise of the loss, largest first.

    Bits whose flip lowers the loss to first order are left out.
    """
    weights = gradient.flatten().abs().topk(min(candidates, gradient.numel())).indices
    set_bits = (layer.integers()[weights, None] >> torch.arange(8)) & 1
    rise = (gradient.flatten()[weights, None] * PLACE * (1 - 2 * set_bits)).flatten()
    order = rise.argsort(descending=True, stable=True)
    return [Flip(layer, int(weights[i // 8]), int(i % 8)) for i in order[rise[order] > 0]]


def flip_bit(value: int, bit: int) -> int:
    """Return the integer -128..127 whose two's complement byte differs from that of `value` in `bit`."""
    byte = (value & 0xFF) ^ (1 << bit)
    return byte - 256 if byte >= 128 else byte


def batch_loss(network: nn.Module, images: Images, labels: Labels) -> float:
    """Return the cross-entropy of the batch."""
    with torch.no_grad():
        return F.cross_entropy(network(images), labels).item()


def _compute_gradients(
    network: nn.Module, layers: Sequence[Layer], images: Images, labels: Labels
) -> tuple[Tensor, ...]:
    network.requires_grad_()
    loss = F.cross_entropy(network(images), labels)
    return torch.autograd.grad(loss, [layer.weight for layer in layers], materialize_grads=True)


@contextmanager
def _apply_temporarily(flips: Sequence[Flip]) -> Iterator[None]:
    for flip in flips:
        flip.apply()
    try:
        yield
    finally:
        for flip in flips:
            flip.apply()
