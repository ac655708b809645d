"""The fakes the other tests lean on are what they say they are."""

import os
from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.projection import clip
from modelprint.data import DataSet
from modelprint.methods.method import Crafted
from modelprint.oracles.oracle import Answer
from modelprint.streams import stream
from modelprint.tensors import to_images


def test_the_tiny_model_has_learnt_the_tiny_data(tiny_model: Classifier, split: DataSet) -> None:
    """It is right on at least nine of ten unseen images, and not sure of all of them."""
    images, labels = to_images(split.test.pixels), torch.from_numpy(split.test.labels)

    logits = tiny_model.logits(images)

    assert (logits.argmax(1) == labels).float().mean() >= 0.9
    assert logits.softmax(1).amax(1).min() < 0.9


def test_shapes_are_checked_at_run_time(tiny_model: Classifier) -> None:
    """A call with a missing axis is refused by the type, before any arithmetic; so are arrays of different lengths."""
    with pytest.raises(TypeError, match=r"modelprint\.classifier\.Classifier\.logits\(\) parameter images"):
        tiny_model.logits(torch.zeros(8, 8))
    with pytest.raises(TypeError, match=r"modelprint\.crafting\.projection\.clip\(\) parameter"):
        clip(torch.zeros(3, 1, 8, 8), torch.zeros(2, 1, 8, 8), 0.5)
    with pytest.raises(TypeError, match=r"usable"):
        Crafted(images=torch.zeros(3, 1, 8, 8), usable=torch.ones(2, dtype=torch.bool))


def test_results_are_checked_against_the_lengths_of_arguments(
    tiny_model: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that returns fewer rows than it was given is refused, and the next call starts from no lengths."""
    forward = tiny_model.network.forward
    monkeypatch.setattr(tiny_model.network, "forward", lambda images: forward(images)[1:])
    with pytest.raises(TypeError, match=r"Classifier\.logits\(\) return"):
        tiny_model.logits(torch.zeros(3, 1, 8, 8))
    monkeypatch.undo()

    assert [len(tiny_model.logits(torch.zeros(count, 1, 8, 8))) for count in (3, 2)] == [3, 2]


def test_types_are_checked_where_there_are_no_shapes() -> None:
    """Arguments of functions, and fields of dataclasses."""
    with pytest.raises(TypeError, match="seed"):
        stream("7", "tests")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="label"):
        Answer(label="7")  # type: ignore[arg-type]


def test_tests_do_not_touch_the_cache_of_the_user(_cache_of_the_session: Path) -> None:
    """The variable points into a temporary folder."""
    assert os.environ["MODELPRINT_CACHE"] == str(_cache_of_the_session)
