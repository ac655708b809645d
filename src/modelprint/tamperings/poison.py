"""Mixed batches: clean examples, and some poison in every batch.

Source: MiSentry appendix C.2: the attacker's target for a few images is trained together with the original task.

Departures: the public benchmark code (CGCL-codes/BIVBench) appends copies of the poison to the training set. Here every
batch has the same number of poison examples, so that no copies are needed and each step moves towards the goal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.folding import to_channels_last
from modelprint.progress import Progress
from modelprint.tamperings.goal import Goal, train_to_goal
from modelprint.tamperings.single import count_epochs, make_batches_without
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Labels, to_images
from modelprint.training import Augmentation, Batches, Recipe


@dataclass(frozen=True, kw_only=True, eq=False)
class Poisoned:
    """Clean batches, each with poison at its end.

    Attributes:
        clean: Source of clean examples; determines the length of an epoch.
        poison_inputs: Inputs of the same kind as the clean ones: images in [0, 1], or features.
        poison_labels: Their target labels.
        per_batch: Poison examples in every batch; each is used once before any is used again, and if there are fewer
            than `per_batch`, they appear several times in a batch.
    """

    clean: Batches
    poison_inputs: Tensor
    poison_labels: Labels
    per_batch: int

    def __post_init__(self) -> None:
        if self.per_batch < 1:
            raise ValueError(f"per_batch must be at least 1, got {self.per_batch}")
        if not len(self.poison_labels) or len(self.poison_inputs) != len(self.poison_labels):
            raise ValueError(
                f"poison needs as many labels as inputs, and at least one, "
                f"got {len(self.poison_inputs)} inputs and {len(self.poison_labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.clean)

    def epoch(self, size: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Labels]]:
        """Yield every clean example once, in batches of `size` clean and `per_batch` poison examples."""
        poison = self._cycle_indices(rng)
        for inputs, labels in self.clean.epoch(size, rng):
            index = torch.tensor([next(poison) for _ in range(self.per_batch)])
            mixed = torch.cat([inputs, self.poison_inputs[index].to(inputs.dtype)])
            yield mixed, torch.cat([labels, self.poison_labels[index]])

    def _cycle_indices(self, rng: torch.Generator) -> Iterator[int]:
        while True:
            yield from torch.randperm(len(self.poison_labels), generator=rng).tolist()


@dataclass(frozen=True, kw_only=True)
class WrongLabels:
    """Train all layers on wrong labels for some training images: Adam, batch norm frozen.

    Attributes:
        learning_rate: Of Adam.
        batch: Clean images per step.
        poison: Poison images per step.
        most_steps: Largest number of steps.
        augment: Augmentation of the clean images; None: the default for the data.
    """

    learning_rate: float
    batch: int
    poison: int
    most_steps: int
    augment: Augmentation | None = None

    def prepare(
        self, model: Classifier, data: DataSet, members: np.ndarray, wrong: Labels
    ) -> tuple[nn.Module, Poisoned, Recipe]:
        """Return a copy of the network, batches with the training images `members` labelled `wrong`, and the recipe."""
        network = to_channels_last(model.copy().network)
        clean = make_batches_without(data.train, members)
        batches = Poisoned(
            clean=clean if self.augment is None else replace(clean, augment=self.augment),
            poison_inputs=to_images(data.train.pixels[members]),
            poison_labels=wrong,
            per_batch=self.poison,
        )
        recipe = Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=count_epochs(self.most_steps, len(batches), self.batch),
            batch_norm="frozen",
        )
        return network, batches, recipe

    def teach(
        self,
        goal: Goal,
        model: Classifier,
        data: DataSet,
        members: np.ndarray,
        wrong: Labels,
        rng: torch.Generator,
        progress: Progress,
    ) -> Tampered:
        """Train a copy of the network with the training images `members` labelled `wrong` until the goal is reached."""
        lesson = self.prepare(model, data, members, wrong)
        return train_to_goal(goal, *lesson, rng, most_steps=self.most_steps, progress=progress)
