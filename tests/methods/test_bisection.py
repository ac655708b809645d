"""Bisection: samples just inside a boundary, on the line to an image of another label."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.methods.bisection import Bisection, choose_partners
from modelprint.methods.method import labels_of
from modelprint.tensors import to_images
from modelprint.work import Work


def test_bisection_ends_one_grey_level_from_the_other_side(tiny_model: Classifier, split: DataSet) -> None:
    """The sample keeps its source's label, and one more step of 1/2 towards the partner is less than a grey level."""
    sources = pick_sources(split.train, 8, seed=0).pixels
    home = tiny_model.labels(to_images(sources))

    crafted = Bisection().craft(tiny_model, split, sources, 3, Work())

    assert torch.equal(tiny_model.labels(crafted.images), home)
    outer = choose_partners(labels_of(tiny_model), split, home, 3)
    assert (tiny_model.labels(outer) != home).all()
    gap = tiny_model.logits(crafted.images).topk(2).values
    natural = tiny_model.logits(to_images(sources)).topk(2).values
    assert (gap[:, 0] - gap[:, 1]).median() < 0.2 * (natural[:, 0] - natural[:, 1]).median()


def test_without_a_second_label_there_is_nothing_to_bisect(split: DataSet) -> None:
    """A classifier that gives one label to everything; the message has the label."""
    with pytest.raises(CraftingError, match="all 64 images tried get class 3; nothing to bisect"):
        choose_partners(lambda pixels: torch.full((len(pixels),), 3), split, torch.tensor([3]), seed=0)
