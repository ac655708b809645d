"""Natural images as they are: the floor every method has to beat."""

from dataclasses import dataclass

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.method import Crafted, Work
from modelprint.pixels import Pixels
from modelprint.tensors import to_images


@dataclass(frozen=True, kw_only=True)
class Natural:
    """Return the sources untouched."""

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the sources."""
        return Crafted.all_of(to_images(sources))
