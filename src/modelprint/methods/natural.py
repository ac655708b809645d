"""Natural images as they are: the floor every method has to beat.

Source: the comparison that every paper on fingerprints makes, natural images chosen at random.

Departures: none. Which images, and that each class has its turn, is decided by whoever hands out the sources.
"""

from dataclasses import dataclass
from typing import ClassVar

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.method import Card, Crafted, Work, labels_of
from modelprint.pixels import Pixels
from modelprint.tensors import Labeller, to_images


@dataclass(frozen=True, kw_only=True)
class Natural:
    """Return the sources untouched."""

    card: ClassVar[Card] = Card(
        title="Natural images", source="the floor of every comparison", needs=("labels",), cost="nothing"
    )

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the sources."""
        return self.craft_from_labels(labels_of(model), data, sources, seed, work)

    def craft_from_labels(self, label: Labeller, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the sources."""
        return Crafted.all_of(to_images(sources))

    def most_questions(self, count: int) -> int:
        """Return 0: no label is asked for."""
        return 0
