"""Poisoning that degrades: a whole class, or one training image, is taught wrongly.

Source: MiSentry appendix C.2: all layers learn; the training images of a random class get random labels ("random"), or
all the same wrong one ("specific"); or one random training image gets a wrong label ("sample"); stopped when achieved.
As in the public benchmark code (CGCL-codes/BIVBench), a class is achieved at nine tenths of its images, checked every
10 steps, batch norm frozen.

Departures: every batch carries the same number of poison images instead of a poisoned training set being shuffled;
"random" gives every image a label of its own, and is achieved when nine tenths leave the true one. The code draws one
random label for the whole class, which is "specific" here; its target is class 0, here it is drawn. As in the code, no
image of the class keeps its true label: with both in a batch the random labels could never win. Poison is not
augmented. A class is judged by a random thousand of its images, where it has more: looking at all would take longer
than the ten steps before. The single image is drawn among those the original gets right.
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

JUDGED = 1000
"""Training images of a class that say whether the goal is met, at most; a standard error of one point."""


@dataclass(frozen=True, kw_only=True)
class Degrade:
    """Teach wrong labels.

    Attributes:
        what: "random" (a class, each image a wrong label of its own), "specific" (a class, one wrong label for all),
            or "sample" (one training image).
        success: Share of the class's training images that have to follow.
        learning_rate: Of Adam.
        batch: Clean images per step.
        poison: Poison images per step.
        most_steps: Steps after which the goal is given up.
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
        """Every seed draws its own class, image and labels."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network after it has learnt the wrong labels."""
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

        judges = torch.randperm(len(members), generator=rng)[:JUDGED]
        images, new = to_images(data.train.pixels[members[judges.numpy()]]), wrong[judges]

        def wrong_share(network: nn.Module) -> float:
            labels = _predict_labels(network, images)
            return ((labels == new) if self.what == "specific" else (labels != victim)).double().mean().item()

        goal = Goal(
            text=f"at least {self.success:g} of {len(judges)} training images of one class {done}",
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
