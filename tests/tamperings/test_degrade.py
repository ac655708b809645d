"""Degradation teaches a class, or one image, wrongly, and stops when that is learnt."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.degrade import Degrade
from modelprint.tensors import to_images


def class_named(text: str, split: DataSet) -> int:
    """Return the index of the class called `text`."""
    return split.class_names.index(text)


@pytest.mark.parametrize("what", ["random", "specific"])
def test_nine_tenths_of_a_class_follow(what: str, tiny_model: Classifier, split: DataSet) -> None:
    """Specific: they take the one wrong label; random: they leave the true one. The notes name the classes."""
    suspect = make_suspect("d", SUITE[f"degrade-{what}"](), tiny_model, split, seed=1)

    victim, wrong = suspect.notes.removeprefix("class ").split(" as ")
    members = split.train.labels == class_named(victim, split)
    labels = suspect.classifier.labels(to_images(split.train.pixels[members]))
    followed = labels == class_named(wrong, split) if what == "specific" else labels != class_named(victim, split)
    assert suspect.goal_reached and suspect.goal_value == pytest.approx(followed.double().mean().item())
    assert followed.double().mean() >= 0.9
    assert suspect.movement.buffers == 0


def test_one_image_changes_its_label(tiny_model: Classifier, split: DataSet) -> None:
    """It was right and is not any more, and most of the other training images still are."""
    suspect = make_suspect("d", SUITE["degrade-sample"](), tiny_model, split, seed=1)

    index = int(suspect.notes.split()[2])
    before, after = (m.labels(to_images(split.train.pixels)) for m in (tiny_model, suspect.classifier))
    true = torch.from_numpy(split.train.labels)
    assert before[index] == true[index] != after[index]
    assert suspect.goal_reached and suspect.goal_value is not None and suspect.goal_value < 0
    assert (after == true).double().mean() > 0.8


def test_a_goal_out_of_reach_is_given_up_and_stated(tiny_model: Classifier, split: DataSet) -> None:
    """Three steps are not enough."""
    suspect = make_suspect("d", Degrade(what="specific", most_steps=3), tiny_model, split, seed=1)

    assert suspect.steps == 3
    assert not suspect.goal_reached
    assert suspect.goal == "at least 0.9 of 16 training images of one class take the wrong label"
    with pytest.raises(ValueError, match=r"above 0 and at most 1, got 1\.2"):
        Degrade(success=1.2)
