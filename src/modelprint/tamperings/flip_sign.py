"""Flip the sign of one weight, as a memory fault in the top bit of a float does.

Source: the bit-flip row of MiSentry's Table 1 in its simplest form for float models; the weight is drawn at
random, not searched for, so most flips are much weaker than an attacker's best one.
"""

from dataclasses import dataclass

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.networks.layers import list_layers
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class FlipSign:
    """Negate one convolution or linear weight, drawn uniformly from all that are not zero."""

    @property
    def deterministic(self) -> bool:
        """The weight differs with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with one sign flipped."""
        network = model.copy().network
        layers = list_layers(network)
        sizes = torch.tensor([float(m.weight.count_nonzero()) for _, m in layers])
        name, layer = layers[int(torch.multinomial(sizes, 1, generator=rng))]
        flat = layer.weight.data.view(-1)
        candidates = flat.nonzero()[:, 0]
        index = int(candidates[torch.randint(len(candidates), (), generator=rng)])
        flat[index] = -flat[index]
        return Tampered(network=network, notes=f"{name}.weight[{index}] is now {flat[index].item():.4g}")
