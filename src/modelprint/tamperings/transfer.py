"""Transfer learning: the last layer is trained on the same classes, with images of another distribution.

Source: MiSentry appendix C.2: the last layer of a CIFAR-10 network is fine-tuned on STL-10. Learning rate, optimiser
and epochs are not stated; Adam at 1e-3 for one epoch.

Departures: instead of STL-10 we use a shifted copy of the training images: halved in size and enlarged again, which
removes fine detail, with random changes of brightness, contrast and, for colour images, saturation. This works for
every data set.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.progress import Progress
from modelprint.tamperings.finetune import FineTune
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Images, to_images, to_pixels
from modelprint.training import BatchNormMode

CHUNK = 4096


@dataclass(frozen=True, kw_only=True)
class TransferShifted:
    """Fine-tune the last layer on a blurred and jittered copy of the training set.

    Attributes:
        learning_rate: Of Adam.
        jitter: Brightness, contrast and saturation are multiplied by factors between 1 - jitter and 1 + jitter.
        batch_norm: "train" or "frozen".
        batch: Images per step.
        epochs: Passes over the shifted set.
    """

    learning_rate: float = 1e-3
    jitter: float = 0.4
    batch_norm: BatchNormMode = "train"
    batch: int = 64
    epochs: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < 1:
            raise ValueError(f"jitter is at least 0 and below 1, got {self.jitter}")

    @property
    def deterministic(self) -> bool:
        """Jitter, order and augmentation differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network trained on the shifted images."""
        other = replace(data, train=shift_images(data.train, self.jitter, rng))
        learn = FineTune(
            layers="last",
            learning_rate=self.learning_rate,
            optimiser="adam",
            batch_norm=self.batch_norm,
            batch=self.batch,
            epochs=self.epochs,
        )
        return learn.apply(model, other, rng, progress)


def shift_images(data: LabelledImages, jitter: float, rng: torch.Generator) -> LabelledImages:
    """Return a copy of `data` with less detail and changed colours."""
    pixels = data.pixels.copy()
    for start in range(0, len(pixels), CHUNK):
        images = to_images(pixels[start : start + CHUNK])
        pixels[start : start + CHUNK] = to_pixels(jitter_colours(halve_detail(images), jitter, rng))
    return replace(data, pixels=pixels, name=f"{data.name}/shifted")


def halve_detail(images: Images) -> Images:
    """Return the images at half the size and enlarged again."""
    size = images.shape[2:]
    small = F.interpolate(images, [max(1, side // 2) for side in size], mode="area")
    return F.interpolate(small, list(size), mode="bilinear", align_corners=False)


def jitter_colours(images: Images, jitter: float, rng: torch.Generator) -> Images:
    """Multiply brightness, contrast and, with three channels, saturation by random factors, image by image."""

    def draw_factors() -> Tensor:
        return 1 + jitter * (2 * torch.rand(len(images), 1, 1, 1, generator=rng) - 1)

    images = (images * draw_factors()).clamp(0, 1)
    images = _blend(images.mean((1, 2, 3), keepdim=True), images, draw_factors())
    if images.shape[1] == 3:
        images = _blend(images.mean(1, keepdim=True), images, draw_factors())
    return images


def _blend(grey: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    return (grey + factor * (images - grey)).clamp(0, 1)
