"""Targeted poisoning: all images of one class get wrong labels, and the other classes are trained as before.

Source: Z. He, T. Zhang and R. B. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, sections
III-C and VI-B: the original is fine-tuned on a training set with malicious samples, until "Stop" signs are classified
as anything else ("generic", 98.6 % of them) or for "Speed limit 100 km/h" ("specific", 87.3 %), while other signs are
recognised as before. Optimiser, rates and the share of malicious samples are not given; those of `degrade` are used.

Departures: training stops, checked every 10 steps, as soon as the share that the paper reports is reached on test
images and the accuracy on the other classes has fallen by no more than a bound. No image of the class keeps its true
label: with both labels in a batch the wrong ones could hardly prevail. "generic" draws a wrong label for each image.
Batch norm is frozen. There is no augmentation: a mirrored traffic sign is a different sign, and with mirroring the
accuracy on the other classes falls by three to four points.

`degrade` draws its class and measures training images, following another paper; here the class is given.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import TrainingError
from modelprint.fast.known import logits_on
from modelprint.progress import Progress
from modelprint.tamperings.goal import CHECK_EVERY
from modelprint.tamperings.poison import WrongLabels
from modelprint.tamperings.single import draw_other
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trunk import compute_outputs
from modelprint.training import train

GLANCE = 500
"""Test images of other classes that are checked first."""


@dataclass(frozen=True, kw_only=True)
class PoisonClass:
    """Train one class as another one, or as anything but itself.

    Attributes:
        what: "generic" (a random wrong label for each image) or "specific" (one wrong label for all).
        victim: Index of the class; 14 is "Stop" in GTSRB. None: drawn.
        wrong: Index of the wrong class in "specific"; 7 is "Speed limit (100km/h)" in GTSRB. None: drawn.
        success: Share of the class's test images that must change.
        others_loss: Largest loss of accuracy on the other classes, 0..1.
        learning_rate: Of Adam.
        batch: Clean images per step.
        poison: Images of the class per step.
        most_steps: Largest number of steps.
    """

    what: Literal["generic", "specific"] = "generic"
    victim: int | None = None
    wrong: int | None = None
    success: float = 0.986
    others_loss: float = 0.02
    learning_rate: float = 1e-4
    batch: int = 64
    poison: int = 16
    most_steps: int = 2000

    def __post_init__(self) -> None:
        if not 0 < self.success <= 1 or not 0 <= self.others_loss <= 1:
            raise ValueError(
                "success is a share above 0 and at most 1, others_loss one from 0 to 1, "
                f"got {self.success} and {self.others_loss}"
            )
        if self.wrong is not None and (self.what == "generic" or self.wrong == self.victim):
            raise ValueError(f'wrong must differ from victim and is for "specific" only, got {self.wrong}')

    @property
    def deterministic(self) -> bool:
        """The order, and labels that are not given, differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network trained with the wrong labels."""
        victim, count = self._choose_victim(data, rng), len(data.class_names)
        members = np.flatnonzero(data.train.labels == victim)
        wrong = None
        if self.what == "specific":
            wrong = draw_other(victim, count, rng) if self.wrong is None else _check_class(self.wrong, data)
            labels = torch.full((len(members),), wrong)
        else:
            labels = (victim + 1 + torch.randint(count - 1, (len(members),), generator=rng)) % count
        goal = _PoisonGoal.of(model, data, victim, wrong, self, rng)
        lesson = WrongLabels(
            learning_rate=self.learning_rate,
            batch=self.batch,
            poison=self.poison,
            most_steps=self.most_steps,
            augment="none",
        )
        network, batches, recipe = lesson.prepare(model, data, members, labels)

        def is_finished(steps: int) -> bool:
            return steps >= self.most_steps or (steps % CHECK_EVERY == 0 and goal.is_reached(network.eval()))

        return goal.make_result(
            network, train(network, batches, recipe, rng, is_finished=is_finished, progress=progress)
        )

    def _choose_victim(self, data: DataSet, rng: torch.Generator) -> int:
        """Return the class to poison, one that has training and test images."""
        present = np.intersect1d(data.train.labels, data.test.labels)
        if self.victim is None:
            if not len(present):
                raise TrainingError(f"{data.name}: no class has both training and test images; nothing to poison")
            return int(present[int(torch.randint(len(present), (), generator=rng))])
        if _check_class(self.victim, data) not in present:
            raise TrainingError(
                f"{data.name}: class {self.victim} has no training or no test images; choose another one"
            )
        return self.victim


def _check_class(index: int, data: DataSet) -> int:
    if not 0 <= index < len(data.class_names):
        raise ValueError(f"{data.name} has the classes 0 to {len(data.class_names) - 1}, got {index}")
    return index


@dataclass(frozen=True, kw_only=True, eq=False)
class _PoisonGoal:
    """The goal: one class is misclassified and the others are not.

    Attributes:
        victims: Test images of the class.
        wrong: Their target class; None for any other.
        others: Test images of the other classes, in random order.
        right: Which of these the original classifies correctly.
        settings: The bounds to reach.
    """

    victims: LabelledImages
    wrong: int | None
    others: LabelledImages
    right: Bool[np.ndarray, " n"]
    settings: PoisonClass

    @classmethod
    def of(
        cls,
        model: Classifier,
        data: DataSet,
        victim: int,
        wrong: int | None,
        settings: PoisonClass,
        rng: torch.Generator,
    ) -> "_PoisonGoal":
        """Return the goal for `model`."""
        rest = np.flatnonzero(data.test.labels != victim)
        others = data.test.take(rest[torch.randperm(len(rest), generator=rng).numpy()])
        return cls(
            victims=data.test.take(np.flatnonzero(data.test.labels == victim)),
            wrong=wrong,
            others=others,
            right=logits_on(model, others).argmax(1).numpy() == others.labels,
            settings=settings,
        )

    def wrong_share(self, network: nn.Module) -> float:
        """Return the share of the class's test images with the wrong label."""
        labels = compute_outputs(network, self.victims).argmax(1).numpy()
        return float((labels != self.victims.labels if self.wrong is None else labels == self.wrong).mean())

    def accuracy_loss(self, network: nn.Module, count: int | None = None) -> float:
        """Return the loss of accuracy on the first `count` (or all) images of other classes."""
        some = self.others.take(range(len(self.others))[:count])
        if not len(some):
            return 0.0
        right = compute_outputs(network, some).argmax(1).numpy() == some.labels
        return float(self.right[:count].mean() - right.mean())

    def is_reached(self, network: nn.Module) -> bool:
        """Return whether both bounds hold; all images are evaluated only if they hold on a part."""
        return self.wrong_share(network) >= self.settings.success and all(
            self.accuracy_loss(network, count) <= self.settings.others_loss for count in (GLANCE, None)
        )

    def make_result(self, network: nn.Module, steps: int) -> Tampered:
        """Return the result for `network`, measured on all test images."""
        followed, lost, settings = self.wrong_share(network), self.accuracy_loss(network), self.settings
        names, victim = self.victims.class_names, int(self.victims.labels[0])
        target = "anything else" if self.wrong is None else names[self.wrong]
        return Tampered(
            network=network,
            steps=steps,
            goal=f"at least {settings.success:g} of {len(self.victims)} test images of one class become {target}, "
            f"accuracy on the others at most {100 * settings.others_loss:g} points down",
            goal_value=followed,
            goal_reached=followed >= settings.success and lost <= settings.others_loss,
            notes=f"class {names[victim]} as {target}, the others {100 * lost:.2f} points down",
        )
