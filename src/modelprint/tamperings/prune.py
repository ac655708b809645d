"""Pruning: the smallest weights become zero.

Source: MiSentry appendix C.2 (20 %, official pruning API of a toolkit, pruner not named). Choice: global unstructured
magnitude pruning over all convolutions and linear layers, without fine-tuning, through torch.nn.utils.prune.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils import prune

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class Prune:
    """Set the smallest weights to zero.

    Attributes:
        share: Of all convolution and linear weights, 0..1.
    """

    share: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share is a part of all weights, between 0 and 1, got {self.share}")

    @property
    def deterministic(self) -> bool:
        """The smallest weights are the same for every seed."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the pruned network."""
        network = model.copy().network
        weights = [(m, "weight") for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=self.share)
        for module, name in weights:
            prune.remove(module, name)
        return Tampered(network=network)
