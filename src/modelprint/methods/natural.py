"""Natural images as they are: the floor every method has to beat."""

from dataclasses import dataclass
from typing import ClassVar

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.method import Card, Crafted, Work
from modelprint.pixels import Pixels
from modelprint.tensors import to_images


@dataclass(frozen=True, kw_only=True)
class Natural:
    """Return the sources untouched."""

    card: ClassVar[Card] = Card(
        title="Natural images", source="the floor of every comparison", needs=("labels",), cost="nothing"
    )

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the sources."""
        return Crafted.all_of(to_images(sources))
