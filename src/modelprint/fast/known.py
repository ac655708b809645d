"""Logits and last-layer inputs of a classifier on a whole data set, computed once per process."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.fast.folding import make_quick_copy
from modelprint.pixels import Pixels
from modelprint.tensors import Logits, to_images

CHUNK = 1024
"""Images converted to floats at a time."""


class _Content:
    """A model and images as a cache key, compared by content."""

    def __init__(self, model: Classifier, images: LabelledImages) -> None:
        self.model, self.images = model, images
        self.identity = (model.digest(), images.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def compute_logits(model: Classifier, pixels: Pixels) -> Logits:
    """Return the logits of `model`; pixels are converted to floats in chunks, so their number is not limited."""
    return torch.cat([model.logits(to_images(part)) for part in _split_pixels(pixels)])


def agreement_on(images: LabelledImages, model: Classifier, other: Classifier) -> float:
    """Return the share of images with the same label from both models, 0..1."""
    same = logits_on(model, images).argmax(1) == logits_on(other, images).argmax(1)
    return same.double().mean().item()


def accuracy_on(model: Classifier, images: LabelledImages) -> float:
    """Return the accuracy of `model` on `images`, 0..1."""
    return (logits_on(model, images).argmax(1) == torch.from_numpy(images.labels)).double().mean().item()


def logits_on(model: Classifier, images: LabelledImages) -> Logits:
    """Return the float32 logits of `model` on all `images`."""
    return _compute_logits_once(_Content(model, images))


def features_on(model: Classifier, images: LabelledImages) -> Float[Tensor, "n features"]:
    """Return the inputs of the last layer of `model` on all `images`; LoadingError when it does not end in one."""
    return _compute_features_once(_Content(model, images))


@lru_cache(maxsize=4)
def _compute_logits_once(content: _Content) -> Logits:
    return compute_logits(make_quick_copy(content.model), content.images.pixels)


@lru_cache(maxsize=2)
def _compute_features_once(content: _Content) -> Float[Tensor, "n features"]:
    quick = make_quick_copy(content.model)
    return torch.cat([quick.features(to_images(pixels)) for pixels in _split_pixels(content.images.pixels)])


def _split_pixels(pixels: Pixels) -> list[UInt8[np.ndarray, "_ c h w"]]:
    return [pixels[start : start + CHUNK] for start in range(0, len(pixels), CHUNK)]
