"""A data set: training, test and optional spare images of the same shape and classes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSet:
    """A training part, a test part, and a spare part when some training images were left out.

    Attributes:
        name: As the user gave it, e.g. "cifar10".
        train: Images that classifiers and tamperings are trained on.
        test: Images used for measurements only.
        spare: Images of the same distribution that the classifier was not trained on, such as another party may have;
            None when there are none.
    """

    name: str
    train: LabelledImages
    test: LabelledImages
    spare: LabelledImages | None = None

    def __post_init__(self) -> None:
        for images in (self.train, self.test, *([] if self.spare is None else [self.spare])):
            if not len(images):
                raise DataError(f"{self.name}: there are no images in {images.name}")
        if self.train.image_shape != self.test.image_shape:
            raise DataError(
                f"{self.name}: training images are {_format_shape(self.train)}, "
                f"but test images are {_format_shape(self.test)} (channels x height x width)"
            )
        if self.train.class_names != self.test.class_names:
            raise DataError(
                f"{self.name}: the {len(self.train.class_names)} classes of the training images "
                f"are not the {len(self.test.class_names)} classes of the test images"
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class, in label order."""
        return self.train.class_names

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.train.image_shape

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all parts."""
        return hashlib.sha256(" ".join(self.part_digests).encode()).hexdigest()

    @property
    def part_digests(self) -> tuple[str, ...]:
        """Hexadecimal SHA-256 of the training part, of the test part and, where there is one, of the spare part."""
        parts = (self.train, self.test) if self.spare is None else (self.train, self.test, self.spare)
        return tuple(part.digest for part in parts)


def split(images: LabelledImages, *, name: str, test_share: float = 0.2, seed: int = 0) -> DataSet:
    """Move `test_share` of each class, at least one image of every class that has two, into a test part.

    The choice follows from hashes of `seed` and the image's index, so it is the same on every machine and with every
    library version. When no class has a second image, the share is taken from all images together.

    Args:
        images: What to split.
        name: Name of the data set.
        test_share: Between 0 and 1, both excluded.
        seed: Determines the choice.

    Raises:
        DataError: Too few images for two parts.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"test_share lies between 0 and 1, got {test_share}")
    order = sorted(range(len(images)), key=lambda index: hashlib.sha256(f"{seed}:{index}".encode()).digest())
    groups: dict[int, list[int]] = {}
    for index in order:
        groups.setdefault(int(images.labels[index]), []).append(index)
    if all(len(group) < 2 for group in groups.values()):
        groups = {0: order}
    tests = {index for group in groups.values() for index in group[: count_share(len(group), test_share)]}
    rest = [index for index in range(len(images)) if index not in tests]
    if not tests or not rest:
        raise DataError(f"{name}: {len(images)} image(s) cannot be split into a training and a test part; give more")
    return DataSet(
        name=name,
        train=replace(images.take(rest), name=f"{name}/train"),
        test=replace(images.take(sorted(tests)), name=f"{name}/test"),
    )


def set_aside(data: DataSet, share: float) -> DataSet:
    """Keep `share` of each class as training images; the other training images become the spare part.

    The choice follows from hashes of the positions, as in `split`.

    Args:
        data: A data set without a spare part.
        share: Between 0 and 1, both excluded.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share of training images to keep lies between 0 and 1, got {share:g}")
    name = f"{data.name}@{share:g}"
    halves = split(data.train, name=name, test_share=1 - share)
    return DataSet(name=name, train=halves.train, test=data.test, spare=replace(halves.test, name=f"{name}/spare"))


def join(parts: Sequence[LabelledImages], name: str) -> LabelledImages:
    """Concatenate `parts`; DataError when shapes or class names differ."""
    first = parts[0]
    for part in parts[1:]:
        if part.image_shape != first.image_shape:
            raise DataError(
                f"{part.name} has images of {_format_shape(part)}, but {first.name} of {_format_shape(first)}"
            )
        if part.class_names != first.class_names:
            raise DataError(f"{part.name} has other classes than {first.name}")
    return LabelledImages(
        pixels=np.concatenate([part.pixels for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        class_names=first.class_names,
        name=name,
    )


def count_share(count: int, share: float) -> int:
    """Return `share` of `count`, rounded; both sides get at least one when there are two."""
    return min(max(round(count * share), 1), count - 1)


def _format_shape(images: LabelledImages) -> str:
    return " x ".join(map(str, images.image_shape))
