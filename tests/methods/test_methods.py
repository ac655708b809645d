"""What holds for every method in the table."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.methods import METHODS, Work
from modelprint.settings import build
from modelprint.tensors import to_images

QUICK = {"misentry": {"steps": "4", "zoo": "finetune-last-1e-3-bnfrozen*2,finetune-all-1e-3*2,flip-sign*1"}}


@pytest.mark.parametrize("name", METHODS)
def test_crafting_leaves_the_model_as_it_was_and_repeats_bit_for_bit(
    name: str, tiny_model: Classifier, split: DataSet
) -> None:
    """Same seed, same samples, in [0, 1], one per source; the weights stay."""
    method, before = build(METHODS, name, QUICK.get(name)), tiny_model.digest()
    sources = pick_sources(split.train, 8, seed=0).pixels

    first, again = (method.craft(tiny_model, split, sources, 3, Work()) for _ in range(2))

    assert tiny_model.digest() == before
    assert torch.equal(first.images, again.images)
    assert first.images.shape == to_images(sources).shape
    assert first.images.min() >= 0 and first.images.max() <= 1
    assert first.usable.shape == (8,)


def test_bisection_ends_one_grey_level_from_the_other_side(tiny_model: Classifier, split: DataSet) -> None:
    """The sample keeps its source's label, and one more step of 1/2 towards the partner is less than a grey level."""
    from modelprint.methods.bisection import partners

    sources = pick_sources(split.train, 8, seed=0).pixels
    home = tiny_model.labels(to_images(sources))

    crafted = METHODS["bisection"]().craft(tiny_model, split, sources, 3, Work())

    assert torch.equal(tiny_model.labels(crafted.images), home)
    outer = partners(tiny_model, split, home, 3)
    assert (tiny_model.labels(outer) != home).all()
    gap = tiny_model.logits(crafted.images).topk(2).values
    natural = tiny_model.logits(to_images(sources)).topk(2).values
    assert (gap[:, 0] - gap[:, 1]).median() < 0.2 * (natural[:, 0] - natural[:, 1]).median()
