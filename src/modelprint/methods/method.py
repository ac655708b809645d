"""What a method is: it turns natural images into fingerprint samples of a classifier its owner holds."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int64
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from modelprint.cache import write_atomically
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.pixels import Pixels
from modelprint.progress import Progress, silent
from modelprint.tensors import Images, Labeller, Labels, to_images

SAVED_EVERY = 10
"""Rows between two saved states."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How long work reports itself and survives an interruption, and what its samples have to survive.

    Attributes:
        progress: Told after each step.
        folder: Where unfinished state is kept; None keeps nothing.
        identity: What the state belongs to; state of another identity is not taken up.
        margin: Top-1 minus top-2 logit below which a sample is not going to be kept, as far as is known beforehand.
    """

    progress: Progress = silent
    folder: Path | None = None
    identity: str = ""
    margin: float = 0.0

    def belonging_to(self, *facts: object) -> "Work":
        """Return the same work, whose state belongs to all of `facts` too; their `repr` has to tell them apart."""
        return replace(self, identity=hashlib.sha256(repr([self.identity, *facts]).encode()).hexdigest())

    def resume(self, name: str) -> dict[str, Tensor]:
        """Return the tensors last saved as `name`; empty when there are none of this identity."""
        path = self._path(name)
        if path is None or not path.is_file():
            return {}
        try:
            with safe_open(path, framework="pt") as file:
                if (file.metadata() or {}).get("identity") != self.identity:
                    return {}
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        except (SafetensorError, OSError, ValueError):
            return {}

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep `tensors` under `name`, in place of what was there."""
        path = self._path(name)
        if path is not None:
            content = {key: tensor.contiguous() for key, tensor in tensors.items()}
            write_atomically(path, lambda draft: save_file(content, draft, metadata={"identity": self.identity}))

    def rows(
        self, name: str, total: int, make: Callable[[int], Tensor], phase: str, *, every: int = SAVED_EVERY
    ) -> Tensor:
        """Make `total` rows one by one and return them together; state and progress are kept under `name` and `phase`.

        Args:
            name: Of the state; see `save`.
            total: How many rows, at least 1.
            make: Makes the row of an index, with a leading dimension of 1.
            phase: What a progress bar calls it.
            every: Rows between two saved states; more of them where a row costs less than to save those before it.
        """
        saved = self.resume(name)
        made = list(saved["rows"].split(1)) if "rows" in saved else []
        kept = len(made)
        self.progress(phase, kept, total)
        try:
            while len(made) < total:
                made.append(make(len(made)))
                if len(made) % every == 0:
                    self.save(name, {"rows": torch.cat(made)})
                    kept = len(made)
                self.progress(phase, len(made), total)
        finally:  # an interruption, or a row that cannot be made, costs none of those before it
            if len(made) > kept:
                self.save(name, {"rows": torch.cat(made)})
        return torch.cat(made)

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}.safetensors"


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
