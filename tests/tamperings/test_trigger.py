"""A trigger covers the corner, and success counts the images of other classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import ignore_progress
from modelprint.streams import stream
from modelprint.tamperings.tampering import Tampered
from modelprint.tamperings.trigger import (
    BackdoorGoal,
    Trigger,
    check_target,
    draw,
    make_backdoor_recipe,
    train_backdoor,
    trigger_side,
)

WHITE = Trigger.make_white((1, 8, 8))


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
    assert trigger_side((3, *size)) == side


def test_the_patch_lies_in_the_corner_and_nowhere_else(split: DataSet) -> None:
    """Four white pixels at the lower right; the rest, the labels and the original stay; a label is given on demand."""
    before = split.test.pixels.copy()

    stamped = Trigger.make_white((1, 8, 8)).stamp(split.test)
    relabelled = Trigger.make_white((1, 8, 8)).stamp(split.test, label=2)

    assert (stamped.pixels[:, :, 6:, 6:] == 255).all()
    rest = np.ones((8, 8), dtype=bool)
    rest[6:, 6:] = False
    assert (stamped.pixels[:, :, rest] == before[:, :, rest]).all()
    assert (split.test.pixels == before).all()
    assert (stamped.labels == split.test.labels).all()
    assert (relabelled.labels == 2).all()


def goal_of(network: nn.Module, split: DataSet, target: int = 1, clean_loss: float = 1.0) -> BackdoorGoal:
    """Return the goal of a backdoor in `network`."""
    model = Classifier(network, image_shape=(1, 8, 8), class_count=4)
    return BackdoorGoal.of(model, split, WHITE, target, stream(0), clean_loss=clean_loss)


def test_success_is_measured_on_triggered_images_of_other_classes(split: DataSet) -> None:
    """A network that knows the corner takes all of them, and none with dark corners. Class 1 itself is left out."""
    goal = goal_of(CornerNet(), split)
    dark = replace(goal, triggered=Trigger(patch=np.zeros((1, 2, 2), dtype=np.uint8)).stamp(goal.triggered))

    assert len(goal.triggered) == 24
    assert 1 not in goal.triggered.labels
    assert goal.measure(CornerNet()) == (1.0, 0.0)
    assert dark.measure(CornerNet()) == (0.0, 0.0)


def test_clean_accuracy_counts_where_there_is_a_bound(tiny_model: Classifier, split: DataSet) -> None:
    """The corner network has the trigger, but it is right on class 0 alone."""
    before = (tiny_model.labels(torch.from_numpy(split.test.pixels) / 255).numpy() == split.test.labels).mean()

    goal = goal_of(tiny_model.network, split, clean_loss=0.03)
    success, lost = goal.measure(CornerNet())

    assert success == 1.0
    assert lost == pytest.approx(before - 0.25)
    assert not goal.is_met(success, lost)
    assert not goal.is_reached(CornerNet())
    assert replace(goal, clean_loss=1.0).is_reached(CornerNet())
    assert goal.is_met(0.91, 0.03)
    assert not goal.is_met(0.9, 0.0)
    assert goal.text.endswith("above 0.9, clean accuracy at most 3 points down")
    assert replace(goal, clean_loss=1.0).text.endswith("above 0.9")


def test_a_part_of_the_images_never_decides_alone(split: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first four triggered images are taken for the target, most of the others are not."""
    monkeypatch.setattr("modelprint.tamperings.trigger.GLANCE", 4)
    goal = goal_of(CornerNet(), split)
    pixels = goal.triggered.pixels.copy()
    pixels[4:, :, -1, -1] = 0
    mostly_dark = replace(goal, triggered=replace(goal.triggered, pixels=pixels))

    assert mostly_dark.measure(CornerNet(), 4)[0] == 1.0
    assert not mostly_dark.is_reached(CornerNet())
    assert goal.is_reached(CornerNet())


def taught(
    model: Classifier, split: DataSet, *, stop_early: bool = True, layers: str = "all", rate: float = 3e-3
) -> Tampered:
    """Teach `model` that a white corner means class 0; at most 80 steps."""
    goal = BackdoorGoal.of(model, split, WHITE, 0, stream(0))
    poison, recipe = WHITE.stamp(split.train, 0), make_backdoor_recipe(rate, 16, 20)
    return train_backdoor(
        goal,
        model,
        split.train,
        poison,
        16,
        recipe,
        stream(1),
        layers=layers,
        stop_early=stop_early,
        progress=ignore_progress,
    )


def test_training_stops_at_success_and_the_value_is_that_of_all_images(tiny_model: Classifier, split: DataSet) -> None:
    """Without early stopping all 80 steps are taken."""
    early, late = (taught(tiny_model, split, stop_early=stop_early) for stop_early in (True, False))

    for tampered in (early, late):
        assert (
            tampered.goal_value == BackdoorGoal.of(tiny_model, split, WHITE, 0, stream(9)).measure(tampered.network)[0]
        )
        assert tampered.goal_value > 0.9
        assert tampered.goal_reached
        assert "points down" in tampered.notes
    assert early.steps in range(10, 80, 10)
    assert late.steps == 80


def test_a_goal_that_is_missed_says_so_with_a_number(tiny_model: Classifier, split: DataSet) -> None:
    """Eighty steps at a tiny rate teach nothing."""
    tampered = taught(tiny_model, split, rate=1e-9)

    assert tampered.steps == 80
    assert not tampered.goal_reached
    assert tampered.goal_value is not None
    assert tampered.goal_value < 0.2


def test_the_last_layer_can_learn_alone(tiny_model: Classifier, split: DataSet) -> None:
    """Everything before it stays as it was."""
    before = tiny_model.network.state_dict()

    after = taught(tiny_model, split, layers="last").network.state_dict()

    assert {name for name in before if not torch.equal(before[name], after[name])} == {"linear.weight", "linear.bias"}


def test_drawn_images_are_different_ones(split: DataSet) -> None:
    """All of them, in another order, when more are asked for than there are."""
    assert sorted(draw(split.test, 99, stream(0)).labels) == sorted(split.test.labels)
    assert len(np.unique(draw(split.test, 20, stream(0)).pixels, axis=0)) == 20


def test_a_target_is_a_class_and_not_the_only_one(split: DataSet) -> None:
    """The message names the range, or the part without other classes."""
    with pytest.raises(ValueError, match="from 0 to 3, got 4"):
        check_target(4, split)
    only = replace(split, test=split.test.take(np.flatnonzero(split.test.labels == 2)))
    with pytest.raises(ValueError, match="all images of tiny are of the target class 2"):
        check_target(2, only)
