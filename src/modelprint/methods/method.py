"""What a method is: it turns natural images into fingerprint samples of a classifier.

`Method` and `LabelsOnly` say how a method crafts. The other protocols say what some methods offer beyond that:
`Bounded`, `UsesGenerator`, `UsesZoo` and `JudgesEightBit`. Callers ask with `isinstance`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.generators.choice import GeneratorChoice
from modelprint.pixels import Pixels
from modelprint.tensors import Images, Labeller, Labels, to_images
from modelprint.work import Work

Need = Literal["labels", "gradients", "training data", "generator", "tampered copies"]
"""What a method may need. All methods need source images and, to seal a fingerprint, the labels of the model."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What helps a person to choose a method.

    Attributes:
        title: Its name in the literature.
        source: The paper it comes from, or "ours".
        needs: What it needs from the owner.
        cost: The work for one sample, in words, e.g. "200 gradients".
    """

    title: str
    source: str
    needs: tuple[Need, ...]
    cost: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Crafted:
    """The images that a method made from its sources.

    Attributes:
        images: As many as there are sources, in [0, 1]; the caller rounds, labels and seals them.
        usable: False where the method gives up on an image.
        origins: Row of the source that each image was made from; its own row when None.
        notes: Facts for the provenance, e.g. which zoo was used.
    """

    images: Images
    usable: Bool[Tensor, " n"]
    origins: Int64[Tensor, " n"] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def all_of(cls, images: Images) -> "Crafted":
        """Return images that are all usable, each made from the source in its own row."""
        return cls(images=images, usable=torch.ones(len(images), dtype=torch.bool))

    @property
    def rows(self) -> Int64[Tensor, " n"]:
        """Row of the source that each image was made from."""
        return torch.arange(len(self.images)) if self.origins is None else self.origins


@runtime_checkable
class Method(Protocol):
    """A frozen dataclass of settings that crafts as many samples as it is given source images.

    Attributes:
        name: What files and the command line call it.
        card: What helps a person to choose it.
    """

    name: ClassVar[str]
    card: ClassVar[Card]

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft as many samples as there are sources: one from each, or several from some of them.

        Args:
            model: The classifier to protect; left as it is.
            data: What it was trained and tested on; tampered copies are trained on it, natural images come from it.
            sources: Natural images to start from, uint8.
            seed: Equal seeds give equal samples, bit for bit, on one machine.
            work: Progress and resumption.
        """


@runtime_checkable
class LabelsOnly(Protocol):
    """A method that needs only labels from the classifier, so that it works with an endpoint too."""

    name: ClassVar[str]
    card: ClassVar[Card]

    def craft_from_labels(self, label: Labeller, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft as many samples as there are sources.

        Args:
            label: Gives the classes of eight-bit images; every image counts as one question.
            data: Natural images of the same kind and classes as those the classifier was trained on.
            sources: Natural images to start from, uint8.
            seed: Equal seeds and answers give equal samples.
            work: Progress and resumption.
        """

    def most_questions(self, count: int) -> int:
        """Return the largest number of labels needed to craft `count` samples."""


@runtime_checkable
class Bounded(Protocol):
    """A method that can keep its samples within an L2 ball around each source."""

    def radii(self, sources: Images) -> Float[Tensor, " n"] | None:
        """Return the L2 bound around each source, for images in [0, 1]; None when the settings set no bound."""


@runtime_checkable
class UsesGenerator(Protocol):
    """A method that can search the latents of a generator."""

    def choose_generator(self) -> GeneratorChoice | None:
        """Return the generator it is going to use; None when the settings need none."""


@runtime_checkable
class UsesZoo(Protocol):
    """A method that can use tampered copies of the classifier."""

    @property
    def zoo(self) -> tuple[str, ...]:
        """KIND*COUNT of each family; empty to use none."""

    @property
    def zoo_seed(self) -> int:
        """Seed of the first copy of each kind."""


@runtime_checkable
class JudgesEightBit(Protocol):
    """A method that judges its iterates as eight-bit images, unless the setting `eight_bit` is false."""

    @property
    def eight_bit(self) -> bool:
        """Whether it does."""


def read_settings(method: Method | LabelsOnly) -> dict[str, object]:
    """Return all settings of `method`, defaults included, as they are written to files."""
    return asdict(method)  # type: ignore[call-overload, no-any-return] # a Protocol cannot say that it is a dataclass


def constant_radii(radius: float, sources: Images) -> Float[Tensor, " n"]:
    """Return the same L2 bound for each source, in float64."""
    return torch.full((len(sources),), radius, dtype=torch.float64)


def labels_of(model: Classifier) -> Labeller:
    """Return the labels of `model` as a function of eight-bit images."""

    def label(pixels: Pixels) -> Labels:
        return model.labels(to_images(pixels))

    return label
