"""Fine-tuning: one epoch of ordinary training, of the last layer or of all layers.

Source: MiSentry appendix C.2 (one epoch, learning rates 1e-3, 1e-4, 1e-5); optimiser, augmentation and batch-norm mode
as in the public benchmark code (CGCL-codes/BIVBench): SGD without momentum, batch 64, crops and mirroring, training
mode, so that running statistics of all layers move even when only the last layer is trained.

Departures: `batch_norm="frozen"` keeps the network in evaluation mode, a much smaller change. Last-layer fine-tuning
with frozen batch norm uses no augmentation: its features are computed only once, for all such models.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.folding import to_channels_last
from modelprint.fast.known import features_on
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.training import BatchNormMode, ImageBatches, Recipe, TensorBatches, choose_augmentation, train


@dataclass(frozen=True, kw_only=True)
class FineTune:
    """Continue training for one epoch.

    Attributes:
        layers: "last" or "all".
        learning_rate: Step size.
        optimiser: "sgd" (no momentum) or "adam".
        batch_norm: "train" or "frozen".
        batch: Images per step.
        epochs: Passes over the training set.
    """

    layers: Literal["last", "all"] = "last"
    learning_rate: float = 1e-3
    optimiser: Literal["sgd", "adam"] = "sgd"
    batch_norm: BatchNormMode = "train"
    batch: int = 64
    epochs: int = 1

    @property
    def deterministic(self) -> bool:
        """Order and augmentation differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network after fine-tuning."""
        recipe = Recipe(
            optimiser=self.optimiser,
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=self.epochs,
            batch_norm=self.batch_norm,
        )
        suspect = model.copy()
        suspect.network.requires_grad_(self.layers == "all")
        head = suspect.head.requires_grad_()
        if self.layers == "last" and self.batch_norm == "frozen":
            features = TensorBatches(inputs=features_on(model, data.train), labels=torch.from_numpy(data.train.labels))
            steps = train(head, features, recipe, rng, progress=progress)
        else:
            images = ImageBatches(data=data.train, augment=choose_augmentation(data.train))
            to_channels_last(suspect.network)
            steps = train(suspect.network, images, recipe, rng, progress=progress)
        return Tampered(network=suspect.network.requires_grad_(), steps=steps)
