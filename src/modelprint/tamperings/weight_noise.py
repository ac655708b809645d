"""Noise on some of the weights: an arbitrary change.

Source: Z. He, T. Zhang and R. B. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, section
"Arbitrary Weights Modification" and figure 14: a share r of the weights, 0.1 % to 80 %, gets Gaussian noise with zero
mean and unit standard deviation. There the network is a single-layer perceptron, whose weights have about the same
influence.

Departures: the network is arbitrary; the share refers to all convolution and linear weights together.
"""

from dataclasses import dataclass

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.networks.layers import list_layers
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class WeightNoise:
    """Add Gaussian noise to weights drawn at random.

    Attributes:
        share: Of all convolution and linear weights, 0..1; at least one changes.
        deviation: Standard deviation of the noise.
    """

    share: float = 0.01
    deviation: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share is a part of all weights, above 0 and at most 1, got {self.share}")
        if not self.deviation > 0:
            raise ValueError(f"deviation must be positive, got {self.deviation}")

    @property
    def deterministic(self) -> bool:
        """The weights differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the noisy network."""
        network = model.copy().network
        weights = [layer.weight for _, layer in list_layers(network)]
        sizes = [weight.numel() for weight in weights]
        changed = max(1, round(self.share * sum(sizes)))
        noise = torch.zeros(sum(sizes))
        noise[torch.randperm(len(noise), generator=rng)[:changed]] = self.deviation * torch.randn(
            changed, generator=rng
        )
        for weight, part in zip(weights, noise.split(sizes), strict=True):
            weight.data += part.view_as(weight)
        return Tampered(network=network, notes=f"{changed} of {len(noise)} weights")
