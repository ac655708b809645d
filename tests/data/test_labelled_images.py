"""Labelled images check their labels, and their digest covers all of their content."""

from dataclasses import replace

import numpy as np
import pytest

from modelprint.data import LabelledImages
from modelprint.errors import DataError


def images_of(labels: list[int], classes: int = 3, shape: tuple[int, int, int] = (1, 2, 2)) -> LabelledImages:
    """Return images whose first level is their index."""
    pixels = np.zeros((len(labels), *shape), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(len(labels))
    names = tuple(f"class {label}" for label in range(classes))
    return LabelledImages(pixels=pixels, labels=np.array(labels, np.int64), class_names=names, name="these")


def test_labels_and_images_are_as_many() -> None:
    """Labelled images check their own counts and labels."""
    images = images_of([0, 1])

    with pytest.raises(DataError, match="2 images but 3 labels"):
        replace(images, labels=np.zeros(3, np.int64))
    with pytest.raises(DataError, match="labels run from 0 to 1, but there are 1 class names"):
        replace(images, class_names=("one",))
