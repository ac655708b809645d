"""Bisection: samples resting just inside a boundary, on the line between two natural images.

Source: the simplest boundary method, the baseline that PublicCheck refines. On the line between two images of different
labels the label changes somewhere; halving the segment finds where. Every sample expects the label of its source, by
construction. The other end of what is left of the segment would expect that of the other natural image, which the
sample shows just as much.

Departures: every halving is judged on eight-bit images, since nothing finer than a grey level is sealed; the last end
that still has the source's label is the sample, so its label survives rounding by construction.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.methods.method import Card, Crafted, labels_of
from modelprint.pixels import Pixels
from modelprint.progress import track_steps
from modelprint.streams import stream
from modelprint.tensors import Images, Labeller, Labels, to_images, to_pixels
from modelprint.work import Work


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """Halve the segment between each source and an image of another label.

    Attributes:
        halvings: How many times; after 12 the ends of any pair are less than one grey level apart.
    """

    name: ClassVar[str] = "bisection"
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
        return self.craft_from_labels(labels_of(model), data, sources, seed, work)

    def craft_from_labels(self, label: Labeller, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the inner end of each segment."""
        inside = to_images(sources)
        home = label(sources)
        outside = choose_partners(label, data, home, seed)
        for _ in track_steps("bisecting", range(self.halvings), self.halvings, work.progress):
            pixels = to_pixels((inside + outside) / 2)
            middle, stayed = to_images(pixels), (label(pixels) == home)[:, None, None, None]
            inside, outside = torch.where(stayed, middle, inside), torch.where(stayed, outside, middle)
        return Crafted.all_of(inside)

    def most_questions(self, count: int) -> int:
        """Count the labels of sources, of possible partners and of all middles."""
        return count + count_partners(count) + count * self.halvings


def choose_partners(label: Labeller, data: DataSet, home: Labels, seed: int) -> Images:
    """Return, for each label in `home`, a random training image that gets another label.

    Raises:
        CraftingError: None of the images tried has another label.
    """
    rng = stream(seed, "partners")
    pool = torch.randperm(len(data.train), generator=rng)[: count_partners(len(home))]
    pixels = data.train.pixels[pool.numpy()]
    labels = label(pixels)
    chosen = []
    for own in home.tolist():
        others = (labels != own).nonzero()[:, 0]
        if not len(others):
            raise CraftingError(f"all {len(pool)} images tried get class {own}; nothing to bisect")
        chosen.append(others[torch.randint(len(others), (), generator=rng)])
    return to_images(pixels[torch.stack(chosen).numpy()])


def count_partners(count: int) -> int:
    """Return how many training images are tried, at most, as partners for `count` sources."""
    return max(512, 8 * count)
