"""Bisection: samples resting just inside a boundary, on the line between two natural images.

Source: the plainest of all boundary methods, the baseline that PublicCheck refines. Between an image and one of another
label the label must change; halving the segment finds where.

Departures: every halving is judged on eight-bit images, since nothing finer than a grey level travels; the last end
that still has the source's label is the sample, so its label survives rounding by construction.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.methods.method import Card, Crafted, Work
from modelprint.pixels import Pixels
from modelprint.progress import steps
from modelprint.streams import stream
from modelprint.tensors import Images, Labels, to_images, to_pixels


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """Halve the segment between each source and an image of another label.

    Attributes:
        halvings: How many times; 12 end below one grey level for any pair.
    """

    card: ClassVar[Card] = Card(
        title="Boundary bisection",
        source="the plainest of all boundary methods",
        needs=("labels", "training data"),
        cost="12 labels",
    )
    halvings: int = 12

    def __post_init__(self) -> None:
        if self.halvings < 1:
            raise ValueError(f"halvings must be at least 1, got {self.halvings}")

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the inner end of each segment."""
        inside = to_images(sources)
        home = model.labels(inside)
        outside = partners(model, data, home, seed)
        for _ in steps("bisecting", range(self.halvings), self.halvings, work.progress):
            middle = to_images(to_pixels((inside + outside) / 2))
            stayed = (model.labels(middle) == home)[:, None, None, None]
            inside, outside = torch.where(stayed, middle, inside), torch.where(stayed, outside, middle)
        return Crafted.all_of(inside)


def partners(model: Classifier, data: DataSet, home: Labels, seed: int) -> Images:
    """Return, for each label in `home`, a random training image that `model` labels otherwise.

    Raises:
        CraftingError: None of the images looked at has another label.
    """
    rng = stream(seed, "partners")
    pool = torch.randperm(len(data.train), generator=rng)[: max(512, 8 * len(home))]
    images = to_images(data.train.pixels[pool.numpy()])
    labels = model.labels(images)
    chosen = []
    for label in home.tolist():
        others = (labels != label).nonzero()[:, 0]
        if not len(others):
            raise CraftingError(f"{model.name} gives class {label} to all {len(pool)} images tried; nothing to bisect")
        chosen.append(others[torch.randint(len(others), (), generator=rng)])
    return images[torch.stack(chosen)]
