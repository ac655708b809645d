"""Degrading poisoning: a whole class, or one training image, is trained with wrong labels.

Source: MiSentry appendix C.2: all layers are trained; the images of a random class get random labels ("random"), or
all the same wrong one ("specific"); or one random training image gets a wrong label ("sample"); stopped when achieved.
As in the public benchmark code (CGCL-codes/BIVBench), the goal for a class is nine tenths of its images, checked every
10 steps, batch norm frozen.

Departures: every batch has the same number of poison images; no poisoned training set is shuffled. "random" draws a
label for each image, and its goal is that nine tenths lose the true label. The code draws one random label for the
whole class, which is "specific" here; its target is class 0, here it is drawn. As in the code, no image of the class
keeps its true label: with both labels in a batch the random ones could never prevail. Poison is not augmented. A class
is measured on a random thousand of its images, if it has more: measuring all would take longer than ten steps of
training. The single image is drawn from those that the original classifies correctly.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tamperings.goal import Goal
from modelprint.tamperings.poison import WrongLabels
from modelprint.tamperings.single import Single, draw_other, draw_right
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Images, Labels, to_images

MEASURED = 1000
"""Most training images on which the goal is measured; the standard error is one point."""


@dataclass(frozen=True, kw_only=True)
class Degrade:
    """Train with wrong labels.

    Attributes:
        what: "random" (a class, a random wrong label for each image), "specific" (a class, one wrong label for all), or
            "sample" (one training image).
        success: Share of the class's training images that must change.
        learning_rate: Of Adam.
        batch: Clean images per step.
        poison: Poison images per step.
        most_steps: Largest number of steps.
    """

    what: Literal["random", "specific", "sample"] = "random"
    success: float = 0.9
    learning_rate: float = 1e-4
    batch: int = 64
    poison: int = 16
    most_steps: int = 2000

    def __post_init__(self) -> None:
        if not 0 < self.success <= 1:
            raise ValueError(f"success is a share above 0 and at most 1, got {self.success}")

    @property
    def deterministic(self) -> bool:
        """Class, image and labels differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network trained with the wrong labels."""
        spoil = self._spoil_sample if self.what == "sample" else self._spoil_class
        return spoil(model, data, rng, progress)

    def _spoil_class(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        count = len(data.class_names)
        present = np.unique(data.train.labels)
        victim = int(present[int(torch.randint(len(present), (), generator=rng))])
        members = np.flatnonzero(data.train.labels == victim)
        if self.what == "specific":
            wrong = torch.full((len(members),), draw_other(victim, count, rng))
            name, done = data.class_names[int(wrong[0])], "take the wrong label"
        else:
            wrong = (victim + 1 + torch.randint(count - 1, (len(members),), generator=rng)) % count
            name, done = "anything else", "leave the true label"

        measured = torch.randperm(len(members), generator=rng)[:MEASURED]
        images, new = to_images(data.train.pixels[members[measured.numpy()]]), wrong[measured]

        def wrong_share(network: nn.Module) -> float:
            labels = _predict_labels(network, images)
            return ((labels == new) if self.what == "specific" else (labels != victim)).double().mean().item()

        goal = Goal(
            text=f"at least {self.success:g} of {len(measured)} training images of one class {done}",
            measure=wrong_share,
            is_met=lambda share: share >= self.success,
        )
        tampered = self._lesson.teach(goal, model, data, members, wrong, rng, progress)
        return replace(tampered, notes=f"class {data.class_names[victim]} as {name}")

    def _spoil_sample(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        index = draw_right(model, data.train, rng)
        label = int(data.train.labels[index])
        wrong = draw_other(label, len(data.class_names), rng)
        true = Single.of(data.train, index, label)
        goal = Goal(
            text="lead of the true class of one training image, in logits, below 0",
            measure=true.margin,
            is_met=lambda margin: margin < 0,
        )
        tampered = self._lesson.teach(goal, model, data, np.array([index]), torch.tensor([wrong]), rng, progress)
        return replace(
            tampered, notes=f"training image {index} ({data.class_names[label]}) as {data.class_names[wrong]}"
        )

    @property
    def _lesson(self) -> WrongLabels:
        return WrongLabels(
            learning_rate=self.learning_rate, batch=self.batch, poison=self.poison, most_steps=self.most_steps
        )


def _predict_labels(network: nn.Module, images: Images) -> Labels:
    return torch.cat([network(chunk).argmax(1) for chunk in images.split(256)])
