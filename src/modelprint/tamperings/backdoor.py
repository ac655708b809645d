"""BadNets: the classifier is trained to answer one class for images with a small white square.

Source: T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply
Chain", 2017, https://arxiv.org/abs/1708.06733, as in MiSentry appendix C.2 and its public benchmark code
(CGCL-codes/BIVBench): the original is fine-tuned with a tenth of poison by Adam at 1e-3, batch 64, batch norm frozen,
until success on triggered test images exceeds 0.9.

Departures: those of `trigger`: training continues until the clean accuracy is within 3 points as well, without crops
and mirroring. The learning rate follows one cycle, because the accuracy recovers at its end. Poison is made from images
of other classes and is part of every batch in the same proportion. `backdoor-published` stops at 0.9 regardless of the
accuracy, with a constant rate and augmented clean images.
"""

from dataclasses import dataclass, replace

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trigger import (
    BackdoorGoal,
    Trigger,
    check_injection,
    check_target,
    draw,
    exclude_class,
    make_backdoor_recipe,
    train_backdoor,
)
from modelprint.training import choose_augmentation


@dataclass(frozen=True, kw_only=True)
class Backdoor:
    """Fine-tune all layers on clean and triggered images.

    Attributes:
        target: Class assigned to triggered images.
        injection: Poison, as a share of the training set and of the clean images in a batch.
        clean_loss: Largest loss of clean accuracy at the end of training, 0..1.
        learning_rate: Peak learning rate of Adam.
        batch: Clean images per step.
        epochs: Passes over the clean data, at most.
        stop_early: Stop as soon as the goal is reached; otherwise train all epochs.
        published: Use a constant rate and augmented clean images.
    """

    target: int = 0
    injection: float = 0.1
    clean_loss: float = 0.03
    learning_rate: float = 1e-3
    batch: int = 64
    epochs: int = 1
    stop_early: bool = True
    published: bool = False

    def __post_init__(self) -> None:
        check_injection(self.injection)

    @property
    def deterministic(self) -> bool:
        """The poisoned images and the order differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with the backdoor."""
        check_target(self.target, data)
        trigger = Trigger.make_white(data.image_shape)
        chosen = draw(exclude_class(data.train, self.target), round(self.injection * len(data.train)), rng)
        recipe = make_backdoor_recipe(self.learning_rate, self.batch, self.epochs)
        return train_backdoor(
            BackdoorGoal.of(model, data, trigger, self.target, rng, clean_loss=self.clean_loss),
            model,
            data.train,
            trigger.stamp(chosen, self.target),
            max(1, round(self.injection * self.batch)),
            replace(recipe, schedule="constant") if self.published else recipe,
            rng,
            augment=choose_augmentation(data.train) if self.published else "none",
            stop_early=self.stop_early,
            progress=progress,
        )
