"""The fakes the other tests lean on are what they say they are."""

import os
from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tensors import to_images


def test_the_tiny_model_has_learnt_the_tiny_data(tiny_model: Classifier, split: DataSet) -> None:
    """It is right on at least nine of ten unseen images, and not sure of all of them."""
    images, labels = to_images(split.test.pixels), torch.from_numpy(split.test.labels)

    logits = tiny_model.logits(images)

    assert (logits.argmax(1) == labels).float().mean() >= 0.9
    assert logits.softmax(1).amax(1).min() < 0.9


def test_shapes_are_checked_at_run_time(tiny_model: Classifier) -> None:
    """A call with a missing axis is refused by the type, before any arithmetic."""
    with pytest.raises(Exception, match=r"(?s)images"):
        tiny_model.logits(torch.zeros(8, 8))


def test_tests_do_not_touch_the_cache_of_the_user(_cache_of_the_session: Path) -> None:
    """The variable points into a temporary folder."""
    assert os.environ["MODELPRINT_CACHE"] == str(_cache_of_the_session)
