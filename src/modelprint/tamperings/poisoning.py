"""Targeted poisoning: all images of one class are taught as something else, and the other classes as before.

Source: Z. He, T. Zhang and R. B. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, sections
III-C and VI-B: the original is fine-tuned on a training set with malicious samples, until "Stop" signs are taken for
anything else ("generic", 98.6 % of them) or for "Speed limit 100 km/h" ("specific", 87.3 %). Optimiser, rates and the
share of malicious samples are not given; those of `degrade` are taken.

Departures: training stops as soon as the share that the paper reports is reached, on test images. No image of the class
keeps its true label, for with both in a batch the wrong labels could hardly win. In "generic" every image has a wrong
label of its own. Batch norm is frozen.

`degrade` draws its class and judges training images, as another paper has it; here the class is given.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import TrainingError
from modelprint.progress import Progress
from modelprint.tamperings.goal import Goal
from modelprint.tamperings.poison import WrongLabels
from modelprint.tamperings.single import draw_other
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import to_images


@dataclass(frozen=True, kw_only=True)
class PoisonClass:
    """Teach that a class is another one, or anything but itself.

    Attributes:
        what: "generic" (every image a wrong label of its own) or "specific" (one wrong label for all).
        victim: Index of the class; 14 is "Stop" in GTSRB. Drawn when none is given.
        wrong: Index of the wrong class in "specific"; 7 is "Speed limit (100km/h)" in GTSRB. Drawn when none is given.
        success: Share of the class's test images that have to follow.
        learning_rate: Of Adam.
        batch: Clean images per step.
        poison: Images of the class per step.
        most_steps: Steps after which the goal is given up.
    """

    what: Literal["generic", "specific"] = "generic"
    victim: int | None = None
    wrong: int | None = None
    success: float = 0.986
    learning_rate: float = 1e-4
    batch: int = 64
    poison: int = 16
    most_steps: int = 2000

    def __post_init__(self) -> None:
        if not 0 < self.success <= 1:
            raise ValueError(f"success is a share above 0 and at most 1, got {self.success}")
        if self.wrong is not None and (self.what == "generic" or self.wrong == self.victim):
            raise ValueError(f'wrong is another class than victim, and for "specific" alone, got {self.wrong}')

    @property
    def deterministic(self) -> bool:
        """Every seed has its own order, and draws the labels that are not given."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network after it has learnt the wrong labels."""
        victim = self._victim(data, rng)
        count, names = len(data.class_names), data.class_names
        members = np.flatnonzero(data.train.labels == victim)
        if self.what == "specific":
            wrong = draw_other(victim, count, rng) if self.wrong is None else self._known(self.wrong, data)
            labels, name, done = torch.full((len(members),), wrong), names[wrong], f"become {names[wrong]}"
        else:
            wrong = -1
            labels = (victim + 1 + torch.randint(count - 1, (len(members),), generator=rng)) % count
            name, done = "anything else", "become anything else"
        images = to_images(data.test.pixels[data.test.labels == victim])

        def followed(network: nn.Module) -> float:
            said = torch.cat([network(chunk).argmax(1) for chunk in images.split(256)])
            return ((said != victim) if wrong < 0 else (said == wrong)).double().mean().item()

        goal = Goal(
            text=f"at least {self.success:g} of {len(images)} test images of {names[victim]} {done}",
            measure=followed,
            met=lambda share: share >= self.success,
        )
        lesson = WrongLabels(
            learning_rate=self.learning_rate, batch=self.batch, poison=self.poison, most_steps=self.most_steps
        )
        tampered = lesson.teach(goal, model, data, members, labels, rng, progress)
        return replace(tampered, notes=f"class {names[victim]} as {name}")

    def _victim(self, data: DataSet, rng: torch.Generator) -> int:
        """Return the class to spoil, one that has training and test images."""
        present = np.intersect1d(data.train.labels, data.test.labels)
        if self.victim is None:
            if not len(present):
                raise TrainingError(f"{data.name}: no class has both training and test images; nothing to poison")
            return int(present[int(torch.randint(len(present), (), generator=rng))])
        if self._known(self.victim, data) not in present:
            raise TrainingError(f"{data.name}: class {self.victim} has no training or no test images; name another one")
        return self.victim

    def _known(self, index: int, data: DataSet) -> int:
        if not 0 <= index < len(data.class_names):
            raise ValueError(f"{data.name} has the classes 0 to {len(data.class_names) - 1}, got {index}")
        return index
