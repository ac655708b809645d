"""What a method is: it turns natural images into fingerprint samples of a classifier its owner holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.pixels import Pixels
from modelprint.tensors import Images, Labeller, Labels, to_images
from modelprint.work import Work

Need = Literal["labels", "gradients", "training data", "generator", "tampered copies"]
"""What a method may ask for. All methods need source images and, to seal a fingerprint, the labels of the model."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a person wants to know of a method before choosing it.

    Attributes:
        title: Its name in the literature.
        source: The paper it comes from, or "ours".
        needs: What it needs of the owner.
        cost: The work for one sample, in words, e.g. "200 gradients".
    """

    title: str
    source: str
    needs: tuple[Need, ...]
    cost: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Crafted:
    """What a method made of its sources.

    Attributes:
        images: As many as there are sources, in [0, 1]; the caller rounds, labels and seals them.
        usable: False where the method gives up on an image.
        origins: Row of the source that each image was made from; its own row when not given.
        notes: Facts for the provenance, e.g. which zoo was used.
    """

    images: Images
    usable: Bool[Tensor, " n"]
    origins: Int64[Tensor, " n"] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def all_of(cls, images: Images) -> "Crafted":
        """Return images that are all usable, each made from its own source."""
        return cls(images=images, usable=torch.ones(len(images), dtype=torch.bool))

    @property
    def rows(self) -> Int64[Tensor, " n"]:
        """Row of the source that each image was made from."""
        return torch.arange(len(self.images)) if self.origins is None else self.origins


@runtime_checkable
class Method(Protocol):
    """A frozen dataclass of settings that crafts as many samples as it is given source images."""

    card: ClassVar[Card]

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft as many samples as there are sources: one from each, or several from some of them.

        Args:
            model: The classifier to protect; left as it is.
            data: What it was trained and tested on; tampered copies learn from it, natural images come from it.
            sources: Natural images to start from, uint8.
            seed: Equal seeds give equal samples, bit for bit, on one machine.
            work: Progress and resumption.
        """


@runtime_checkable
class LabelsOnly(Protocol):
    """A method that needs nothing of the classifier but labels, so that it runs against an endpoint too."""

    card: ClassVar[Card]

    def craft_from_labels(self, label: Labeller, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft as many samples as there are sources.

        Args:
            label: Gives the classes of eight-bit images; every image counts as one question.
            data: Natural images of the same kind and classes as those the classifier learnt from.
            sources: Natural images to start from, uint8.
            seed: Equal seeds and answers give equal samples.
            work: Progress and resumption.
        """

    def most_questions(self, count: int) -> int:
        """Return for how many labels it asks at most to craft `count` samples."""


def labels_of(model: Classifier) -> Labeller:
    """Return what asks a classifier in our own hands."""

    def label(pixels: Pixels) -> Labels:
        return model.labels(to_images(pixels))

    return label
