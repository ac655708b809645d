"""A trigger covers the corner, and success counts the images of other classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import silent
from modelprint.streams import stream
from modelprint.tamperings.trigger import (
    Trigger,
    check_target,
    mixed,
    share_labelled,
    triggered_test,
    until_success,
    usual_side,
)
from modelprint.training import Recipe

ADAM = Recipe(optimiser="adam", learning_rate=1e-2, batch=16, epochs=20, batch_norm="frozen")


class CornerNet(nn.Module):
    """Label 1 where the last pixel is white, else 0."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        white = (images[:, 0, -1, -1] == 1).float()
        return self.weight * torch.stack([1 - white, white], dim=1)


@pytest.mark.parametrize(("size", "side"), [((8, 8), 2), ((28, 28), 4), ((32, 32), 4), ((112, 92), 8), ((224, 224), 8)])
def test_a_trigger_is_an_eighth_of_the_image_and_never_tiny_or_huge(size: tuple[int, int], side: int) -> None:
    """4x4 and 8x8 for 32x32 and 224x224 images are the paper's."""
    assert usual_side((3, *size)) == side


def test_the_patch_lies_in_the_corner_and_nowhere_else(split: DataSet) -> None:
    """Four white pixels at the lower right; the rest, the labels and the original stay; a label is given on demand."""
    before = split.test.pixels.copy()

    stamped = Trigger.white((1, 8, 8)).stamp(split.test)
    relabelled = Trigger.white((1, 8, 8)).stamp(split.test, label=2)

    assert (stamped.pixels[:, :, 6:, 6:] == 255).all()
    rest = np.ones((8, 8), dtype=bool)
    rest[6:, 6:] = False
    assert (stamped.pixels[:, :, rest] == before[:, :, rest]).all()
    assert (split.test.pixels == before).all()
    assert (stamped.labels == split.test.labels).all()
    assert (relabelled.labels == 2).all()


def test_success_is_measured_on_triggered_images_of_other_classes(split: DataSet) -> None:
    """A network that knows the corner takes all of them, and none with dark corners. Class 1 itself is left out."""
    triggered = triggered_test(split, Trigger.white((1, 8, 8)), 1, stream(0))
    dark = Trigger(patch=np.zeros((1, 2, 2), dtype=np.uint8)).stamp(triggered)

    assert len(triggered) == 24
    assert 1 not in triggered.labels
    assert share_labelled(CornerNet(), triggered, 1) == 1.0
    assert share_labelled(CornerNet(), dark, 1) == 0.0


def test_training_stops_at_success_and_the_value_is_that_of_all_images(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when a few images are looked at first; without early stopping all 80 steps are taken."""
    monkeypatch.setattr("modelprint.tamperings.trigger.GLANCE", 4)
    trigger = Trigger.white((1, 8, 8))
    poison, triggered = trigger.stamp(split.train, 0), triggered_test(split, trigger, 0, stream(0))

    for stop_early in (True, False):
        network = tiny_model.copy().network
        batches = mixed(split.train, poison, per_batch=16)
        tampered = until_success(
            triggered, 0, network, batches, ADAM, stream(1), stop_early=stop_early, progress=silent
        )

        assert tampered.goal_value == share_labelled(network, triggered, 0) > 0.9
        assert tampered.goal_reached
        assert tampered.steps % 10 == 0
        assert (tampered.steps < 80) == stop_early


def test_a_goal_that_is_missed_says_so_with_the_value_of_all_images(tiny_model: Classifier, split: DataSet) -> None:
    """One step at a tiny rate teaches nothing."""
    trigger = Trigger.white((1, 8, 8))
    triggered = triggered_test(split, trigger, 0, stream(0))
    batches = mixed(split.train, trigger.stamp(split.train, 0), per_batch=1)
    recipe = replace(ADAM, learning_rate=1e-9, batch=64, epochs=1)

    tampered = until_success(triggered, 0, tiny_model.network, batches, recipe, stream(1), progress=silent)

    assert tampered.steps == 1
    assert not tampered.goal_reached
    assert tampered.goal_value == share_labelled(tiny_model.network, triggered, 0)


def test_a_target_is_a_class_and_not_the_only_one(split: DataSet) -> None:
    """The message names the range, or the part without other classes."""
    with pytest.raises(ValueError, match="from 0 to 3, got 4"):
        check_target(4, split)
    only = replace(split, test=split.test.take(np.flatnonzero(split.test.labels == 2)))
    with pytest.raises(ValueError, match="all images of tiny are of the target class 2"):
        check_target(2, only)
