"""Base of the methods that change natural images without a search and without the classifier."""

from abc import ABC, abstractmethod

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.method import Crafted
from modelprint.pixels import Pixels
from modelprint.tensors import Images, Labeller, to_images
from modelprint.work import Work


class Transform(ABC):
    """A method that makes a sample from each source, independent of the classifier."""

    @abstractmethod
    def change(self, images: Images, seed: int) -> Images:
        """Return the samples; `images` are the sources in [0, 1]."""

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the sources, changed."""
        return Crafted.all_of(self.change(to_images(sources), seed))

    def craft_from_labels(self, label: Labeller, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Return the sources, changed."""
        return Crafted.all_of(self.change(to_images(sources), seed))

    def most_questions(self, count: int) -> int:
        """Return 0: no label is needed."""
        return 0
