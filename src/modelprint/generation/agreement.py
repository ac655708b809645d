"""Do the answers of a model fit the labels of the data? Ordinary images, before any sample is crafted.

A network that is fed without its normalisation, or that has its classes in another order, can be sealed without an
error, and then every check of it says nothing, or *tampered*. So a bounded number of ordinary images is labelled first.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from scipy.stats import binom

from modelprint.data import LabelledImages
from modelprint.data.class_order import Order, find_best_order
from modelprint.errors import CraftingError
from modelprint.intervals import exact_interval
from modelprint.streams import stream

CHANCE_LEVEL = 0.01
"""An accuracy that guessing reaches with this probability or more is near chance."""
MOST_SHOWN = 4
"""Class names of an order that a message shows."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How many ordinary images get the label that the data gives them.

    Attributes:
        agreed: Images whose label is that of the data.
        asked: Images that were labelled.
        classes: Number of classes.
        other: The other order of the classes that most answers follow; None when there is no other.
    """

    agreed: int
    asked: int
    classes: int
    other: Order | None = None

    @property
    def accuracy(self) -> float:
        """Share of the images that agree."""
        return self.agreed / self.asked

    @property
    def is_near_chance(self) -> bool:
        """Whether guessing may agree as often; with four classes or more also what is below twice as often."""
        guessed = float(binom.sf(self.agreed - 1, self.asked, 1 / self.classes))
        return guessed > CHANCE_LEVEL or (self.classes >= 4 and self.accuracy < 2 / self.classes)

    @property
    def fits_another_order(self) -> bool:
        """Whether clearly more answers follow another order of the classes."""
        if self.other is None:
            return False
        _, high = exact_interval(self.agreed, self.asked)
        low, _ = exact_interval(self.other.agreed, self.asked)
        return low > high and self.other.agreed > 2 * self.agreed

    def __str__(self) -> str:
        low, high = exact_interval(self.agreed, self.asked)
        return f"{self.accuracy:.1%} of {self.asked} ordinary images (95% interval {low:.1%} to {high:.1%})"


def measure_agreement(images: LabelledImages, answers: Int64[np.ndarray, " n"]) -> Agreement:
    """Compare the labels of `images` with `answers`, the classes that a model gives them."""
    return Agreement(
        agreed=int((images.labels == answers).sum()),
        asked=len(images),
        classes=len(images.class_names),
        other=find_best_order(images.class_names, images.labels, answers),
    )


def check_agreement(agreement: Agreement, images: LabelledImages, name: str) -> None:
    """Refuse a model whose answers do not fit the data.

    Args:
        agreement: What was measured.
        images: The images it was measured on.
        name: Of the model, for the message.

    Raises:
        CraftingError: The answers fit another order of the classes, or are near chance; says what to do.
    """
    stated = f"{name} gives {agreement} of {images.name} their label"
    other = agreement.other
    if agreement.fits_another_order and other is not None:
        raise CraftingError(
            f"{stated}, and {other.agreed / agreement.asked:.1%} when the classes are in {other.name}: the data has "
            f"{_show(images.class_names)}, that order is {_show(other.names)}; give the order of the network with "
            "--class-names FILE|a,b,c, or seal as it is with --any-accuracy"
        )
    if agreement.is_near_chance:
        raise CraftingError(
            f"{stated}, which is near chance for {agreement.classes} classes; is the normalisation outside the network "
            "(--mean and --std), is it trained, does it belong to these data, and are the classes in its order "
            f"({_show(images.class_names)}; else --class-names)? Seal it nevertheless with --any-accuracy"
        )


def pick_ordinary(images: LabelledImages, count: int, seed: int) -> LabelledImages:
    """Return `count` of the images at random, or all when there are fewer."""
    order = torch.randperm(len(images), generator=stream(seed, "ordinary")).numpy()
    return images.take(order[:count])


def _show(names: tuple[str, ...]) -> str:
    """Return the first class names in order, and how many there are."""
    more = f", ... ({len(names)} classes)" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more
