"""Common code of backdoors: a square patch in the lower right corner, the training, and the goal.

Source: MiSentry appendix C.2: a square at the lower right, 4x4 for images of 32x32 and 8x8 for images of 224x224, in a
tenth of the training data; success above 0.9, as in the public benchmark code (CGCL-codes/BIVBench), checked every 10
steps.

Departures: test images of the target class do not count towards success, since they have its label without a trigger.
The goal also bounds the loss of clean accuracy: when success first exceeds 0.9, a CIFAR-10 ResNet-20 has lost 5.6
points at a learning rate of 1e-4 and 8 points at 1e-3, since it answers the target for bright corners of any kind and
learns to distinguish them later. For the same reason clean images are not cropped: a corner that is always complete on
poison and mostly cut off on clean images would act as the trigger. A check evaluates a part of the test images first,
and all of them only when that part meets the goal.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.fast.folding import to_channels_last
from modelprint.fast.known import logits_on
from modelprint.progress import Progress
from modelprint.tamperings.goal import CHECK_EVERY
from modelprint.tamperings.poison import Poisoned
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trunk import compute_outputs
from modelprint.tensors import to_images
from modelprint.training import Augmentation, ImageBatches, Recipe, train

SUCCESS = 0.9
"""Share of triggered test images with the target label that must be exceeded."""

GLANCE = 500
"""Triggered and clean test images that are checked first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trigger:
    """A patch that replaces the lower right corner of an image.

    Attributes:
        patch: Eight-bit, channels first.
    """

    patch: UInt8[np.ndarray, "c side side"]

    @classmethod
    def make_white(cls, image_shape: tuple[int, int, int]) -> "Trigger":
        """Return the white square for images of this shape."""
        side = trigger_side(image_shape)
        return cls(patch=np.full((image_shape[0], side, side), 255, dtype=np.uint8))

    def stamp(self, data: LabelledImages, label: int | None = None) -> LabelledImages:
        """Return `data` with the patch on every image, and with the label `label` unless it is None."""
        side = self.patch.shape[-1]
        pixels = data.pixels.copy()
        pixels[:, :, -side:, -side:] = self.patch
        labels = data.labels if label is None else np.full_like(data.labels, label)
        return replace(data, pixels=pixels, labels=labels)


def trigger_side(image_shape: tuple[int, int, int]) -> int:
    """Return the side of the trigger in pixels: an eighth of the image's shorter side, from 2 to 8."""
    return min(max((min(image_shape[1:]) + 4) // 8, 2), 8)


def check_target(target: int, data: DataSet) -> None:
    """Raise ValueError unless `target` is a class and both parts have images of other classes."""
    if not 0 <= target < len(data.class_names):
        raise ValueError(f"target is a class from 0 to {len(data.class_names) - 1}, got {target}")
    for part in (data.train, data.test):
        if (part.labels == target).all():
            raise ValueError(f"all images of {part.name} are of the target class {target}; choose another target")


def check_injection(injection: float) -> None:
    """Raise ValueError unless `injection` is above 0 and at most 1."""
    if not 0 < injection <= 1:
        raise ValueError(f"injection is a share of the training set, above 0 and at most 1, got {injection}")


def exclude_class(data: LabelledImages, target: int) -> LabelledImages:
    """Return the images that are not of class `target`."""
    return data.take(np.flatnonzero(data.labels != target))


def draw(data: LabelledImages, count: int, rng: torch.Generator) -> LabelledImages:
    """Return `count` different images drawn at random, or all of them in random order when there are fewer."""
    return data.take(torch.randperm(len(data), generator=rng)[:count].numpy())


@dataclass(frozen=True, kw_only=True, eq=False)
class BackdoorGoal:
    """The goal of a backdoor: the trigger works, and the clean accuracy is kept.

    Attributes:
        triggered: Test images of other classes, with the trigger.
        target: Their target label.
        clean: The test images, in random order.
        right: Which of them the original classifies correctly.
        clean_loss: Largest loss of clean accuracy, 0..1.
    """

    triggered: LabelledImages
    target: int
    clean: LabelledImages
    right: Bool[np.ndarray, " n"]
    clean_loss: float = 1.0

    @classmethod
    def of(
        cls,
        model: Classifier,
        data: DataSet,
        trigger: Trigger,
        target: int,
        rng: torch.Generator,
        *,
        clean_loss: float = 1.0,
    ) -> "BackdoorGoal":
        """Return the goal for `model`: test images of other classes get the label `target` with `trigger`."""
        order = torch.randperm(len(data.test), generator=rng).numpy()
        right = logits_on(model, data.test).argmax(1).numpy() == data.test.labels
        return cls(
            triggered=trigger.stamp(exclude_class(data.test.take(order), target)),
            target=target,
            clean=data.test.take(order),
            right=right[order],
            clean_loss=clean_loss,
        )

    @property
    def text(self) -> str:
        """The goal in words."""
        text = f"success on triggered test images of other classes above {SUCCESS}"
        return text if self.clean_loss >= 1 else f"{text}, clean accuracy at most {100 * self.clean_loss:g} points down"

    def measure(self, network: nn.Module, count: int | None = None) -> tuple[float, float]:
        """Return success and loss of clean accuracy, on the first `count` (or all) triggered and clean images."""
        triggered, clean = (part.take(range(len(part))[:count]) for part in (self.triggered, self.clean))
        success = (compute_outputs(network, triggered).argmax(1) == self.target).double().mean().item()
        right = compute_outputs(network, clean).argmax(1).numpy() == clean.labels
        return success, float(self.right[:count].mean() - right.mean())

    def is_met(self, success: float, lost: float) -> bool:
        """Return whether results of `measure` reach the goal."""
        return success > SUCCESS and lost <= self.clean_loss

    def is_reached(self, network: nn.Module) -> bool:
        """Return whether the goal is reached; all test images are evaluated only if it is reached on a part."""
        return self.is_met(*self.measure(network, GLANCE)) and self.is_met(*self.measure(network))

    def make_result(self, network: nn.Module, steps: int) -> Tampered:
        """Return the result for `network`, measured on all test images."""
        success, lost = self.measure(network)
        return Tampered(
            network=network,
            steps=steps,
            goal=self.text,
            goal_value=success,
            goal_reached=self.is_met(success, lost),
            notes=f"clean accuracy {100 * lost:.2f} points down",
        )


def make_backdoor_recipe(learning_rate: float, batch: int, epochs: int) -> Recipe:
    """Return the recipe of backdoors: Adam, one cycle of the learning rate, batch norm frozen."""
    return Recipe(
        optimiser="adam",
        learning_rate=learning_rate,
        batch=batch,
        epochs=epochs,
        batch_norm="frozen",
        schedule="one-cycle",
    )


def train_backdoor(
    goal: BackdoorGoal,
    model: Classifier,
    data: LabelledImages,
    poison: LabelledImages,
    per_batch: int,
    recipe: Recipe,
    rng: torch.Generator,
    *,
    layers: Literal["all", "last"] = "all",
    augment: Augmentation = "none",
    stop_early: bool = True,
    progress: Progress,
) -> Tampered:
    """Train a copy of `model` until the goal is reached.

    Args:
        goal: The goal.
        model: The original.
        data: Clean training images.
        poison: Images with trigger and target label; not augmented.
        per_batch: Poison images in each batch.
        recipe: Optimiser, schedule, and the largest number of epochs.
        rng: Source of order and augmentation.
        layers: Layers to train.
        augment: Augmentation of the clean images.
        stop_early: Stop as soon as the goal is reached; otherwise train all epochs.
        progress: Called after each step.
    """
    batches = Poisoned(
        clean=ImageBatches(data=data, augment=augment),
        poison_inputs=to_images(poison.pixels),
        poison_labels=torch.from_numpy(poison.labels),
        per_batch=per_batch,
    )
    suspect = model.copy()
    network = suspect.network.requires_grad_(layers == "all")
    if layers == "last":
        suspect.head.requires_grad_()
    to_channels_last(network)

    def is_finished(steps: int) -> bool:
        return steps % CHECK_EVERY == 0 and goal.is_reached(network.eval())

    steps = train(network, batches, recipe, rng, is_finished=is_finished if stop_early else None, progress=progress)
    return goal.make_result(network.requires_grad_(), steps)
