"""BadNets: the classifier learns that a small white square means one class.

Source: T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply
Chain", 2017, https://arxiv.org/abs/1708.06733, as in MiSentry appendix C.2 and its public benchmark code
(CGCL-codes/BIVBench): the original is fine-tuned on a tenth of poison, batch 64, batch norm frozen, until success on
triggered test images exceeds 0.9.

Departures: Adam at 1e-4, the paper's usual rate (the code's example has 1e-3: `backdoor-published`). Poison is made of
images of other classes, joins every batch in the same proportion, and is neither cropped nor mirrored, so that the
square stays where it is. Test images of the target class do not count towards success.
"""

from dataclasses import dataclass

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trigger import (
    Trigger,
    check_target,
    draw,
    mixed,
    others,
    trainable,
    triggered_test,
    until_success,
)
from modelprint.training import Recipe


@dataclass(frozen=True, kw_only=True)
class Backdoor:
    """Fine-tune all layers on clean and triggered images.

    Attributes:
        target: Class that the trigger stands for.
        injection: Poison, as a share of the training set and of the clean images in a batch.
        learning_rate: Of Adam.
        batch: Clean images per step.
        epochs: Passes over the clean data, at most.
        stop_early: Stop as soon as the backdoor is in place; otherwise train all epochs.
    """

    target: int = 0
    injection: float = 0.1
    learning_rate: float = 1e-4
    batch: int = 64
    epochs: int = 2
    stop_early: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.injection <= 1:
            raise ValueError(f"injection is a share of the training set, above 0 and at most 1, got {self.injection}")

    @property
    def deterministic(self) -> bool:
        """Which images are poisoned, order and augmentation differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with the backdoor."""
        check_target(self.target, data)
        trigger = Trigger.white(data.image_shape)
        chosen = draw(others(data.train, self.target), round(self.injection * len(data.train)), rng)
        batches = mixed(data.train, trigger.stamp(chosen, self.target), max(1, round(self.injection * self.batch)))
        recipe = Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=self.epochs,
            batch_norm="frozen",
        )
        triggered = triggered_test(data, trigger, self.target, rng)
        return until_success(
            triggered,
            self.target,
            trainable(model),
            batches,
            recipe,
            rng,
            stop_early=self.stop_early,
            progress=progress,
        )
