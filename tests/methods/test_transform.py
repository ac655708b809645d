"""The base of methods that transform natural images."""

import numpy as np
import torch

from modelprint.data import DataSet
from modelprint.methods.transform import Transform
from modelprint.pixels import Pixels
from modelprint.tensors import Images, Labels
from modelprint.work import Work


class Invert(Transform):
    """Turn black into white."""

    def change(self, images: Images, seed: int) -> Images:
        return 1 - images


def test_a_transform_asks_for_no_label(split: DataSet) -> None:
    """Black becomes white, without a question, as `most_questions` promises."""
    black = np.zeros((3, 1, 8, 8), dtype=np.uint8)

    def refuse(pixels: Pixels) -> Labels:
        raise AssertionError("a label was asked for")

    crafted = Invert().craft_from_labels(refuse, split, black, 0, Work())

    assert torch.equal(crafted.images, torch.ones(3, 1, 8, 8))
    assert Invert().most_questions(1000) == 0
