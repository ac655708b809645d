"""What backdoors have in common: a square patch in the lower right corner, and how often it wins.

Source: MiSentry appendix C.2: a square at the lower right, 4x4 for images of 32x32 and 8x8 for images of 224x224, in a
tenth of the training data.

Departures: the goal looks at a part of the triggered test images first, and at all of them only when that part is above
the goal, so that a check costs less than the ten steps before it. Test images of the target class are left out of the
rate: they would be right without a trigger.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.progress import Progress
from modelprint.tamperings.goal import CHECK_EVERY, Goal, pursue
from modelprint.tamperings.poison import Poisoned
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trunk import outputs
from modelprint.tensors import to_images
from modelprint.training import Batches, ImageBatches, Recipe, usual_augmentation

SUCCESS = 0.9
"""A backdoor is in place when more than this share of triggered test images takes the target label."""

GOAL = f"success on triggered test images of other classes above {SUCCESS}"

GLANCE = 500
"""Triggered test images that are looked at first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trigger:
    """A patch that is written over the lower right corner of an image.

    Attributes:
        patch: Eight-bit, channels first.
    """

    patch: UInt8[np.ndarray, "c side side"]

    @classmethod
    def white(cls, image_shape: tuple[int, int, int]) -> "Trigger":
        """Return the white square for images of this shape."""
        side = usual_side(image_shape)
        return cls(patch=np.full((image_shape[0], side, side), 255, dtype=np.uint8))

    def stamp(self, data: LabelledImages, label: int | None = None) -> LabelledImages:
        """Return `data` with the patch on every image, relabelled to `label` when there is one."""
        side = self.patch.shape[-1]
        pixels = data.pixels.copy()
        pixels[:, :, -side:, -side:] = self.patch
        labels = data.labels if label is None else np.full_like(data.labels, label)
        return replace(data, pixels=pixels, labels=labels)


def usual_side(image_shape: tuple[int, int, int]) -> int:
    """Return the side of the trigger in pixels: an eighth of the image's shorter side, from 2 to 8."""
    return min(max((min(image_shape[1:]) + 4) // 8, 2), 8)


def check_target(target: int, data: DataSet) -> None:
    """Raise ValueError unless `target` is a class, and both parts have images of others."""
    if not 0 <= target < len(data.class_names):
        raise ValueError(f"target is a class from 0 to {len(data.class_names) - 1}, got {target}")
    for part in (data.train, data.test):
        if (part.labels == target).all():
            raise ValueError(f"all images of {part.name} are of the target class {target}; choose another target")


def others(data: LabelledImages, target: int) -> LabelledImages:
    """Return the images that are not of class `target`."""
    return data.take(np.flatnonzero(data.labels != target))


def draw(data: LabelledImages, count: int, rng: torch.Generator) -> LabelledImages:
    """Return `count` different images drawn at random, or all of them in random order when there are fewer."""
    return data.take(torch.randperm(len(data), generator=rng)[:count].numpy())


def triggered_test(data: DataSet, trigger: Trigger, target: int, rng: torch.Generator) -> LabelledImages:
    """Return the test images of other classes, in random order, with the trigger on and their true labels."""
    rest = others(data.test, target)
    return trigger.stamp(draw(rest, len(rest), rng))


def mixed(data: LabelledImages, poison: LabelledImages, per_batch: int) -> Poisoned:
    """Return batches of augmented `data`, each with `per_batch` images of `poison` as they are."""
    return Poisoned(
        clean=ImageBatches(data=data, augment=usual_augmentation(data)),
        poison_inputs=to_images(poison.pixels),
        poison_labels=torch.from_numpy(poison.labels),
        per_batch=per_batch,
    )


def trainable(model: Classifier) -> nn.Module:
    """Return a copy of the network of `model`, all layers free to learn and laid out for it."""
    network = model.copy().network.requires_grad_()
    laid_out: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid_out


def share_labelled(network: nn.Module, images: LabelledImages, label: int) -> float:
    """Return the share of `images` that `network` takes for `label`."""
    return (outputs(network, images).argmax(1) == label).double().mean().item()


def until_success(
    triggered: LabelledImages,
    target: int,
    network: nn.Module,
    batches: Batches,
    recipe: Recipe,
    rng: torch.Generator,
    *,
    stop_early: bool = True,
    progress: Progress,
) -> Tampered:
    """Train `network`, in place, until more than `SUCCESS` of the `triggered` images take the label `target`.

    The value in the result was measured on all triggered images, whether or not it is enough. Without `stop_early` all
    epochs of the recipe are trained whatever the success.
    """
    most_steps = math.ceil(len(batches) / recipe.batch) * recipe.epochs
    glance = triggered.take(range(min(GLANCE, len(triggered))))

    def measure(network: nn.Module) -> float:
        value = share_labelled(network, glance, target)
        return share_labelled(network, triggered, target) if value > SUCCESS else value

    goal = Goal(text=GOAL, measure=measure, met=lambda value: stop_early and value > SUCCESS)
    every = CHECK_EVERY if stop_early else most_steps
    tampered = pursue(goal, network, batches, recipe, rng, most_steps=most_steps, check_every=every, progress=progress)
    if tampered.goal_reached:
        return tampered
    value = share_labelled(network, triggered, target)
    return replace(tampered, goal_value=value, goal_reached=value > SUCCESS)
