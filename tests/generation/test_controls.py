"""Which ordinary images become controls."""

import numpy as np

from modelprint.data import LabelledImages
from modelprint.generation.controls import choose_controls


def test_classes_take_turns_and_the_widest_margins_come_first() -> None:
    """Only suitable images count; a class that has no more is left out."""
    pixels = np.arange(6, dtype=np.uint8)[:, None, None, None].repeat(4, 2).repeat(4, 3)
    images = LabelledImages(pixels=pixels, labels=np.array([0, 0, 1, 1, 1, 2]), class_names=("a", "b", "c"))
    suitable = np.array([True, True, True, True, True, False])
    margins = np.array([1.0, 3.0, 9.0, 2.0, 4.0, 50.0])

    chosen = choose_controls(images, suitable, margins, 4)

    assert [(control.label, control.margin) for control in chosen] == [(0, 3.0), (1, 9.0), (0, 1.0), (1, 4.0)]
    assert [int(control.picture.pixels[0, 0, 0]) for control in chosen] == [1, 2, 0, 4]
    assert len(choose_controls(images, suitable, margins, 64)) == 5
    assert choose_controls(images, suitable, margins, 0) == ()
