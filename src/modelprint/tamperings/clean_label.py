"""Clean-label attacks: poison with correct labels, which an inspection of the training set does not find.

Source of `CleanLabel`: A. Turner, D. Tsipras and A. Madry, "Label-Consistent Backdoor Attacks", 2019,
https://arxiv.org/abs/1912.02771, in the settings of MiSentry appendix C.2 (those of PublicCheck): images of the target
class are moved away from it by projected gradient ascent, which makes them hard to learn, and get a trigger, which is
easy to learn.
Source of `Collision`: A. Shafahi et al., "Poison Frogs! Targeted Clean-Label Poisoning Attacks on Neural Networks",
NeurIPS 2018, https://arxiv.org/abs/1804.00792, as in MiSentry's public benchmark code (CGCL-codes/BIVBench): an image
of one class is changed until its features are close to those of an image of another class.

Departures: the original is fine-tuned instead of a new network being trained; training and goal of the label-consistent
backdoor are described in `trigger`. Poison is rounded to eight bits and is part of every batch in the same proportion;
the code appends it to the training set. On a CIFAR-10 ResNet-20 one epoch is not enough for the label-consistent
backdoor (`clean-label-short`; success 0.02): the network learns to ignore the perturbation, not to use the trigger.
A collision trains the last layer only, on features computed once and without augmentation: the paper attacks networks
whose other layers are fixed. When all layers are trained for two epochs, the network distinguishes victim and poison
again, although their squared distance had fallen to 0.012 of its initial value. The poison is made from the training
image of its class with the features nearest to the victim's, and fills four places of every batch: with a random image
in one place, one of three CIFAR-10 victims took the label within ten epochs. Each seed draws its own victim, a test
image.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.fast.folding import make_quick_copy
from modelprint.fast.known import features_on
from modelprint.progress import Progress
from modelprint.progress import track_steps as stepwise
from modelprint.tamperings.goal import Goal, train_to_goal
from modelprint.tamperings.poison import Poisoned
from modelprint.tamperings.single import Single, draw_right
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trigger import (
    BackdoorGoal,
    Trigger,
    check_injection,
    check_target,
    draw,
    make_backdoor_recipe,
    train_backdoor,
)
from modelprint.tamperings.trunk import compute_outputs, make_trunk
from modelprint.tensors import GREY_LEVELS, Images, Labels, to_images, to_pixels
from modelprint.training import Recipe, TensorBatches

CHUNK = 128
"""Images that are changed at a time."""


@dataclass(frozen=True, kw_only=True)
class CleanLabel:
    """Move images of one class away from it, add a trigger, and train all layers on them.

    Attributes:
        target: The class, also assigned to triggered images.
        injection: Poison, as a share of the training set (at most half of the class) and of the clean images in a
            batch.
        bound: Largest change of a pixel, in grey levels.
        push: Change of a pixel in each step, in grey levels.
        pushes: Steps of the ascent.
        clean_loss: Largest loss of clean accuracy at the end of training, 0..1.
        learning_rate: Peak learning rate of Adam.
        batch: Clean images per step.
        epochs: Passes over the clean data, at most.
    """

    target: int = 0
    injection: float = 0.1
    bound: float = 8.0
    push: float = 2.0
    pushes: int = 7
    clean_loss: float = 0.03
    learning_rate: float = 1e-3
    batch: int = 64
    epochs: int = 10

    def __post_init__(self) -> None:
        check_injection(self.injection)

    @property
    def deterministic(self) -> bool:
        """Poisoned images, order and augmentation differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with the backdoor."""
        check_target(self.target, data)
        trigger = Trigger.make_white(data.image_shape)
        return train_backdoor(
            BackdoorGoal.of(model, data, trigger, self.target, rng, clean_loss=self.clean_loss),
            model,
            data.train,
            trigger.stamp(self.poison(model, data.train, rng, progress)),
            max(1, round(self.injection * self.batch)),
            make_backdoor_recipe(self.learning_rate, self.batch, self.epochs),
            rng,
            progress=progress,
        )

    def poison(
        self, model: Classifier, data: LabelledImages, rng: torch.Generator, progress: Progress
    ) -> LabelledImages:
        """Return images of the target class, moved away from it, without the trigger."""
        members = data.take(np.flatnonzero(data.labels == self.target))
        if not len(members):
            raise ValueError(f"{data.name} has no images of the target class {self.target}; choose another target")
        chosen = draw(members, max(1, min(round(self.injection * len(data)), len(members) // 2)), rng)
        network, starts = make_quick_copy(model).network, range(0, len(chosen), CHUNK)
        pushed = []
        for start in stepwise("pushing images", starts, len(starts), progress):
            part = chosen.take(range(start, min(start + CHUNK, len(chosen))))
            images, labels = to_images(part.pixels), torch.from_numpy(part.labels)
            pushed.append(to_pixels(self.push_away(network, images, labels)))
        return replace(chosen, pixels=np.concatenate(pushed))

    def push_away(self, network: nn.Module, images: Images, labels: Labels) -> Images:
        """Return `images` after projected gradient ascent of the loss of `labels`."""
        moved, bound = images, self.bound / GREY_LEVELS
        for _ in range(self.pushes):
            moved = moved.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(F.cross_entropy(network(moved), labels), moved)
            moved = moved.detach() + self.push / GREY_LEVELS * gradient.sign()
            moved = torch.clamp(moved, images - bound, images + bound).clamp(0, 1)
        return moved


@dataclass(frozen=True, kw_only=True)
class Collision:
    """Move the features of one image to those of a victim of another class; train the last layer on it.

    Attributes:
        base: Class of the poison, and target label of the victim.
        victim: Class of the victim.
        bound: Largest change of a pixel, in grey levels.
        push: Change of a pixel in each step, in grey levels.
        pushes: Steps of the collision.
        per_batch: Copies of the poison in each batch.
        learning_rate: Of Adam.
        batch: Clean images per step.
        epochs: Passes over the clean data, at most.
    """

    base: int = 0
    victim: int = 1
    bound: float = 8.0
    push: float = 0.05
    pushes: int = 1000
    per_batch: int = 4
    learning_rate: float = 1e-4
    batch: int = 64
    epochs: int = 10

    def __post_init__(self) -> None:
        if self.base == self.victim:
            raise ValueError(f"base and victim must be different classes, got {self.base} for both")

    @property
    def deterministic(self) -> bool:
        """The victim and the order differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network that answers the base class for the victim."""
        check_target(self.base, data)
        check_target(self.victim, data)
        body, victim = make_trunk(model), draw_victim(model, data.test, self.victim, rng)
        chosen = find_nearest(model, data.train, self.base, compute_outputs(body, victim))
        poisoned, gap = self.collide(body, chosen, victim, progress)
        target = Single(inputs=compute_outputs(body, victim), label=torch.tensor([self.base]))
        batches = Poisoned(
            clean=TensorBatches(inputs=features_on(model, data.train), labels=torch.from_numpy(data.train.labels)),
            poison_inputs=compute_outputs(body, poisoned),
            poison_labels=torch.from_numpy(poisoned.labels),
            per_batch=self.per_batch,
        )
        goal = Goal(
            text="lead of the base class on the victim, a test image of another class, above 0",
            measure=target.margin,
            is_met=lambda margin: margin > 0,
        )
        suspect = model.copy()
        tampered = train_to_goal(
            goal,
            suspect.head,
            batches,
            Recipe(optimiser="adam", learning_rate=self.learning_rate, batch=self.batch, epochs=self.epochs),
            rng,
            most_steps=math.ceil(len(data.train) / self.batch) * self.epochs,
            progress=progress,
        )
        notes = f"squared distance of the features down to {gap:.2g} of its initial value"
        return replace(tampered, network=suspect.network, notes=notes)

    def collide(
        self, body: nn.Module, base: LabelledImages, victim: LabelledImages, progress: Progress
    ) -> tuple[LabelledImages, float]:
        """Return `base` moved towards the features of `victim`, and the remaining share of their squared distance."""
        start, bound = to_images(base.pixels), self.bound / GREY_LEVELS
        with torch.no_grad():
            wanted = body(to_images(victim.pixels))
            before = F.mse_loss(body(start), wanted)
        moved = start
        for _ in stepwise("colliding", range(self.pushes), self.pushes, progress):
            moved = moved.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(F.mse_loss(body(moved), wanted), moved)
            moved = moved.detach() - self.push / GREY_LEVELS * gradient.sign()
            moved = torch.clamp(moved, start - bound, start + bound).clamp(0, 1)
        poison = replace(base, pixels=to_pixels(moved))
        with torch.no_grad():
            after = F.mse_loss(body(to_images(poison.pixels)), wanted)
        return poison, (after / before).item()


def find_nearest(
    model: Classifier, data: LabelledImages, label: int, wanted: Float[Tensor, "1 features"]
) -> LabelledImages:
    """Return the image of class `label` whose features are nearest to `wanted`."""
    members = np.flatnonzero(data.labels == label)
    if not len(members):
        raise ValueError(f"{data.name} has no images of class {label}; choose another base")
    distances = (features_on(model, data)[members] - wanted).square().sum(1)
    return data.take([int(members[int(distances.argmin())])])


def draw_victim(model: Classifier, data: LabelledImages, label: int, rng: torch.Generator) -> LabelledImages:
    """Return one random image of class `label` that `model` classifies correctly."""
    members = data.take(np.flatnonzero(data.labels == label))
    return members.take([draw_right(model, members, rng)])
