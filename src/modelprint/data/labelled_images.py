"""Labelled images: the result of every reader and the input of every method. Needs no torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from modelprint.errors import DataError
from modelprint.pixels import Pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """Eight-bit images with their classes.

    Attributes:
        pixels: uint8, n c h w.
        labels: Class of each image, 0 .. len(class_names) - 1.
        class_names: One name per class, in label order.
        name: Their source, e.g. "cifar10/train"; for messages and provenance.
    """

    pixels: Pixels
    # A separate axis name, so that a wrong number of labels raises the DataError below, in tests too.
    labels: Int64[np.ndarray, " labels"]
    class_names: tuple[str, ...]
    name: str = "images"

    def __post_init__(self) -> None:
        if len(self.pixels) != len(self.labels):
            raise DataError(f"{self.name}: {len(self.pixels)} images but {len(self.labels)} labels")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise DataError(
                f"{self.name}: labels run from {self.labels.min()} to {self.labels.max()}, "
                f"but there are {len(self.class_names)} class names"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height, width

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of pixels, labels and class names."""
        content = hashlib.sha256(repr((self.pixels.shape, self.class_names)).encode())
        content.update(np.ascontiguousarray(self.pixels).data)
        content.update(np.ascontiguousarray(self.labels).data)
        return content.hexdigest()

    def take(self, indices: Sequence[int] | np.ndarray) -> "LabelledImages":
        """Return the images at `indices`, in that order."""
        index = np.asarray(indices, dtype=np.int64)
        return LabelledImages(
            pixels=self.pixels[index], labels=self.labels[index], class_names=self.class_names, name=self.name
        )
