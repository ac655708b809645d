"""Natural images as they are."""

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.natural import Natural
from modelprint.tensors import to_images
from modelprint.work import Work


def test_the_samples_are_the_sources(tiny_model: Classifier, split: DataSet) -> None:
    """Bit for bit, whatever the seed."""
    sources = split.train.pixels[:5]

    crafted = Natural().craft(tiny_model, split, sources, 7, Work())

    assert torch.equal(crafted.images, to_images(sources))
    assert crafted.usable.all()
