"""Online learning: train on one test image of low confidence, and keep the original task.

Source: MiSentry appendix C.2: a random test sample, trained together with the original task, checked every 10 steps.
All else as in the public benchmark code (CGCL-codes/BIVBench): the update 1e-4 * (g + s - projection of s on g), tensor
by tensor, where g and s are the gradients of a batch of 128 and of the image; the goal is the true label with a
confidence above 0.95; a low confidence is below 0.8; batch norm is frozen; one epoch at most.

Departures: misclassified test images are candidates too, and every model draws its own. The code takes the first
correctly classified one for all models, and checks after each step; that is `which="first"` with `check_every=1`.
`update="joint"` minimises the sum of both losses with Adam instead. Both take 10 to 20 steps on CIFAR-10 with a
ResNet-20, but with Adam the logits move six times as far.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import TrainingError
from modelprint.fast.folding import to_channels_last
from modelprint.fast.known import logits_on
from modelprint.progress import Progress
from modelprint.tamperings.goal import CHECK_EVERY, Goal, train_to_goal
from modelprint.tamperings.single import Jointly, Single
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Labels
from modelprint.training import ImageBatches, Recipe, choose_augmentation


@dataclass(frozen=True, kw_only=True)
class LearnOnline:
    """Train on one new image.

    Attributes:
        update: "projected" (SGD, the image's gradient minus its component along the batch's) or "joint" (Adam on the
            sum of both losses).
        which: A "random" candidate, or the "first" correctly classified one (if there is none, the first).
        above: Probability of the true class that reaches the goal.
        unsure: Candidates are correctly classified test images with a smaller confidence, and all misclassified ones.
        learning_rate: Step size.
        batch: Images per step of the original task.
        check_every: Steps between two checks of the goal.
        epochs: Passes over the training set, at most.
    """

    update: Literal["projected", "joint"] = "projected"
    which: Literal["random", "first"] = "random"
    above: float = 0.95
    unsure: float = 0.8
    learning_rate: float = 1e-4
    batch: int = 128
    check_every: int = CHECK_EVERY
    epochs: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.unsure <= self.above < 1:
            raise ValueError(
                f"unsure and above must satisfy 0 < unsure <= above < 1, got {self.unsure} and {self.above}"
            )

    @property
    def deterministic(self) -> bool:
        """The order of the batches and usually the image differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network trained on one test image."""
        index = self._draw(model, data.test, rng)
        label = int(data.test.labels[index])
        single = Single.of(data.test, index, label)
        network = to_channels_last(model.copy().network)
        start = single.probability(network)
        goal = Goal(
            text=f"probability of the true class of one test image above {self.above:g}",
            measure=single.probability,
            is_met=lambda probability: probability > self.above,
        )
        batches = ImageBatches(data=data.train, augment=choose_augmentation(data.train))
        tampered = train_to_goal(
            goal,
            network,
            batches,
            self._make_recipe(),
            rng,
            objective=Jointly(single=single, weight=1.0) if self.update == "joint" else Projected(single=single),
            most_steps=self.epochs * len(batches),  # an upper bound: the epochs decide
            check_every=self.check_every,
            progress=progress,
        )
        return replace(tampered, notes=f"test image {index} ({data.class_names[label]}), at first {start:.2f}")

    def _make_recipe(self) -> Recipe:
        return Recipe(
            optimiser="adam" if self.update == "joint" else "sgd",
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=self.epochs,
            batch_norm="frozen",
        )

    def _draw(self, model: Classifier, test: LabelledImages, rng: torch.Generator) -> int:
        confidence, answers = logits_on(model, test).softmax(1).max(1)
        right = answers == torch.from_numpy(test.labels)
        candidates = (~right | (confidence < self.unsure)).nonzero()[:, 0]
        if not len(candidates):
            raise TrainingError(
                f"{model.name} classifies all {len(test)} images of {test.name} correctly, with a probability of at "
                f"least {self.unsure:g}, so there is nothing to learn; raise `unsure` or give more test images"
            )
        if self.which == "first":
            # A stable sort: the first correct one comes first, or the first incorrect one if none is correct.
            return int(candidates[right[candidates].int().argsort(descending=True, stable=True)[0]])
        return int(candidates[torch.randint(len(candidates), (), generator=rng)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Projected:
    """The objective of a batch plus that of one input, projected so that it does not affect the batch.

    Attributes:
        single: The one input.
    """

    single: Single

    def __call__(self, network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
        """Set g + s - (s . g / g . g) g as the gradient of each tensor."""
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        loss = F.cross_entropy(network(inputs), labels)
        task = torch.autograd.grad(loss, parameters)
        image = torch.autograd.grad(F.cross_entropy(network(self.single.inputs), self.single.label), parameters)
        for parameter, g, s in zip(parameters, task, image, strict=True):
            # As in the code, avoid a division by zero for a tensor without gradient from the batch.
            share = (s * g).sum() / ((g * g).sum() + 1e-20)
            parameter.grad = g + s - share * g
        return loss
