"""Pruning: set the smallest weights to zero.

Source: MiSentry appendix C.2 (20 %, official pruning API of a toolkit, pruner not specified; fine-tuning afterwards
"retains the lost performance"). Choice: global unstructured magnitude pruning over all convolutions and linear layers,
through torch.nn.utils.prune; without fine-tuning, or with one epoch of SGD during which the pruned weights stay zero.

`within="tensor"` is the public benchmark code (CGCL-codes/BIVBench): 70 % of every tensor but those of batch norms,
without fine-tuning.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn.utils import prune

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.folding import to_channels_last
from modelprint.networks.layers import list_layers
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.training import BatchNormMode, ImageBatches, Recipe, choose_augmentation, train

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@dataclass(frozen=True, kw_only=True)
class Prune:
    """Set the smallest weights to zero.

    Attributes:
        share: Of the weights, 0..1.
        within: "network": the smallest of all convolution and linear weights together; "tensor": the same share of
            every tensor, with biases, without batch norms.
        epochs: Passes over the training set afterwards, with the pruned weights kept at zero; 0: none.
        learning_rate: Step size of this fine-tuning (SGD without momentum).
        batch: Images per step of this fine-tuning.
        batch_norm: "train" or "frozen" during this fine-tuning.
    """

    share: float = 0.2
    within: Literal["network", "tensor"] = "network"
    epochs: int = 0
    learning_rate: float = 1e-4
    batch: int = 64
    batch_norm: BatchNormMode = "train"

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share is a part of all weights, between 0 and 1, got {self.share}")
        if self.epochs < 0:
            raise ValueError(f"epochs cannot be negative, got {self.epochs}")

    @property
    def deterministic(self) -> bool:
        """True without fine-tuning: the smallest weights are the same for every seed."""
        return self.epochs == 0

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the pruned network."""
        network = model.copy().network
        tensors: list[tuple[nn.Module, str]] = []
        if self.within == "network":
            tensors += [(m, "weight") for _, m in list_layers(network)]
            prune.global_unstructured(tensors, pruning_method=prune.L1Unstructured, amount=self.share)
        else:
            layers = [m for m in network.modules() if not isinstance(m, NORMS)]
            tensors += [(m, name) for m in layers for name, _ in list(m.named_parameters(recurse=False))]
            for module, name in tensors:
                prune.l1_unstructured(module, name, amount=self.share)
        steps = self._fine_tune(network, data, rng, progress) if self.epochs else 0
        for module, name in tensors:
            prune.remove(module, name)
        return Tampered(network=network, steps=steps)

    def _fine_tune(self, network: nn.Module, data: DataSet, rng: torch.Generator, progress: Progress) -> int:
        recipe = Recipe(
            learning_rate=self.learning_rate, batch=self.batch, epochs=self.epochs, batch_norm=self.batch_norm
        )
        to_channels_last(network)
        images = ImageBatches(data=data.train, augment=choose_augmentation(data.train))
        return train(network, images, recipe, rng, progress=progress)
