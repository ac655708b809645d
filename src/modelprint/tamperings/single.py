"""A single image: draw it, leave it out, and train on it together with the original task.

Source: MiSentry appendix C.2: a single sample is manipulated in multi-task learning with the original task.

Departures: none; the paper does not state the weights of the two tasks; here both have the same weight.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.errors import TrainingError
from modelprint.tensors import Labels, to_images
from modelprint.training import ImageBatches, choose_augmentation


@dataclass(frozen=True, kw_only=True, eq=False)
class Single:
    """One input, and the class to train or to unlearn.

    Attributes:
        inputs: A batch of one: an image in [0, 1], or its features.
        label: The class, as a batch of one.
    """

    inputs: Tensor
    label: Labels

    @classmethod
    def of(cls, images: LabelledImages, index: int, label: int) -> "Single":
        """Return the image at `index` with the target class `label`."""
        return cls(inputs=to_images(images.pixels[index : index + 1]), label=torch.tensor([label]))

    def probability(self, network: nn.Module) -> float:
        """Return the probability of the class under `network`."""
        return self._logits(network).softmax(0)[int(self.label)].item()

    def margin(self, network: nn.Module) -> float:
        """Return the logit of the class minus the largest other one; positive when the class is the answer."""
        logits, own = self._logits(network), int(self.label)
        return (logits[own] - torch.cat([logits[:own], logits[own + 1 :]]).max()).item()

    def _logits(self, network: nn.Module) -> Tensor:
        with torch.no_grad():
            logits: Tensor = network(self.inputs)[0]
        return logits


@dataclass(frozen=True, kw_only=True, eq=False)
class Jointly:
    """The objective of multi-task learning: cross-entropy of the batch, plus or minus that of one input.

    Attributes:
        single: The one input.
        weight: 1 to learn it, -1 to unlearn it.
        enough: Cross-entropy of the one input above which its gradient is zero.
    """

    single: Single
    weight: float
    enough: float = math.inf

    def __call__(self, network: nn.Module, inputs: Tensor, labels: Labels) -> Tensor:
        """Add the gradients of both tasks."""
        logits = network(torch.cat([inputs, self.single.inputs]))
        one = F.cross_entropy(logits[-1:], self.single.label).clamp(max=self.enough)
        loss = F.cross_entropy(logits[:-1], labels) + self.weight * one
        loss.backward()
        return loss


def draw_right(model: Classifier, images: LabelledImages, rng: torch.Generator) -> int:
    """Return the index of a random correctly classified image; TrainingError when there is none."""
    order: list[int] = torch.randperm(len(images), generator=rng).tolist()
    for index in order:
        if model.labels(to_images(images.pixels[index : index + 1])).item() == images.labels[index]:
            return index
    raise TrainingError(
        f"{model.name} classifies none of the {len(images)} images of {images.name} correctly; "
        "check that weights and data belong together"
    )


def draw_other(label: int, class_count: int, rng: torch.Generator) -> int:
    """Return a random class other than `label`."""
    return (label + 1 + int(torch.randint(class_count - 1, (), generator=rng))) % class_count


def make_batches_without(images: LabelledImages, indices: Sequence[int] | np.ndarray) -> ImageBatches:
    """Return batches of the images that are not at `indices`, with the default augmentation."""
    rest = np.delete(np.arange(len(images)), indices)
    if not len(rest):
        raise TrainingError(f"no images of {images.name} are left for the original task; give more images")
    return ImageBatches(data=images.take(rest), augment=choose_augmentation(images))


def count_epochs(steps: int, examples: int, batch: int) -> int:
    """Return the number of passes over `examples` that contain `steps` steps."""
    return math.ceil(steps / math.ceil(examples / batch))
