"""Unlearning: make the network forget one training image, and keep the original task.

Source: MiSentry appendix C.2: a random training sample is unlearned together with the original task, until the goal,
checked every 10 steps, is reached. Optimiser and goal are those of the public benchmark code (CGCL-codes/BIVBench):
Adam 1e-4, a confidence below 0.95.

Departures: the image is drawn from those that the original classifies correctly. Its probability must also fall below
the initial value, for images of low confidence. A changed label implies a probability below one half, so it needs no
separate rule. Ascent ends a tenth below the bound: otherwise the probability falls to 1e-10 and less before the next
check, which costs a ResNet-20 on CIFAR-10 four to ten points of accuracy; with this limit it costs about one. When the
probability is 1 up to rounding, the initial gradient is almost zero; if the goal is not reached after `most_steps`,
another image is tried.

`form="published"` is that of the code: ascent on the image only, checked every step, at most four steps; the first step
is taken in evaluation mode, the others in training mode, where the batch, otherwise unused, moves the running
statistics. The code takes the first training images, always uses the same batch, and saves nothing on success; here
images and batches are drawn, and the result is kept.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.folding import to_channels_last
from modelprint.progress import Progress
from modelprint.tamperings.goal import CHECK_EVERY, Goal, train_to_goal
from modelprint.tamperings.single import Jointly, Single, count_epochs, draw_right, make_batches_without
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Labels
from modelprint.training import Objective, Recipe

ENOUGH = 0.9
"""Ascent ends when the probability is this share of the bound."""


@dataclass(frozen=True, kw_only=True)
class Unlearn:
    """Forget one training image.

    Attributes:
        form: "joint" (batch norm frozen) or "published".
        below: Probability of the true class below which the image counts as forgotten.
        learning_rate: Of Adam.
        batch: Images per step of the original task.
        check_every: Steps between two checks of the goal.
        most_steps: Largest number of steps per image.
        draws: Largest number of images tried.
    """

    form: Literal["joint", "published"] = "joint"
    below: float = 0.95
    learning_rate: float = 1e-4
    batch: int = 64
    check_every: int = CHECK_EVERY
    most_steps: int = 200
    draws: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.below <= 1:
            raise ValueError(f"below is a probability above 0, got {self.below}")
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")

    @property
    def deterministic(self) -> bool:
        """The image differs with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network that has forgotten one image, or the last attempt."""
        given_up: list[int] = []
        while True:
            index = draw_right(model, data.train, rng)
            tampered = self._forget(index, model, data, rng, progress)
            if tampered.goal_reached or len(given_up) == self.draws - 1:
                break
            given_up.append(index)
        label = data.class_names[int(data.train.labels[index])]
        before = f"; given up before: {', '.join(map(str, given_up))}" if given_up else ""
        return replace(tampered, notes=f"training image {index} ({label}){before}")

    def _forget(
        self, index: int, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress
    ) -> Tampered:
        network = to_channels_last(model.copy().network)
        single = Single.of(data.train, index, int(data.train.labels[index]))
        bound = min(self.below, single.probability(network))
        goal = Goal(
            text=f"probability of the true class of one training image below {bound:.3g}",
            measure=single.probability,
            is_met=lambda probability: probability < bound,
        )
        batches = make_batches_without(data.train, [index])
        recipe = Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=count_epochs(self.most_steps, len(batches), self.batch),
            batch_norm="frozen" if self.form == "joint" else "train",
        )
        return train_to_goal(
            goal,
            network,
            batches,
            recipe,
            rng,
            objective=self._make_objective(single, bound),
            most_steps=self.most_steps,
            check_every=self.check_every,
            progress=progress,
        )

    def _make_objective(self, single: Single, bound: float) -> Objective:
        if self.form == "published":
            return _PublishedAscent(single)
        return Jointly(single=single, weight=-1.0, enough=-math.log(ENOUGH * bound))


class _PublishedAscent:
    """The published objective: ascent on the image only; the first step in evaluation mode."""

    def __init__(self, single: Single) -> None:
        self.single = single
        self.first = True

    def __call__(self, network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
        """Add the gradient of minus the image's cross-entropy."""
        if self.first:
            network.eval()
        with torch.no_grad():
            network(inputs)  # moves the running statistics in training mode
        self.first = False
        loss = -F.cross_entropy(network(self.single.inputs), self.single.label)
        loss.backward()
        return loss
