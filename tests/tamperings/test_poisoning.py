"""Targeted poisoning spoils one class, the one it is told, and stops when as much is reached as the paper reports."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import TrainingError
from modelprint.settings import build
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.poisoning import PoisonClass
from modelprint.tensors import Labels, to_images


def labels_of(classifier: Classifier, split: DataSet, victim: int) -> Labels:
    """Return what a classifier says about the test images of a class."""
    return classifier.labels(to_images(split.test.pixels[split.test.labels == victim]))


def test_the_class_becomes_anything_else(tiny_model: Classifier, split: DataSet) -> None:
    """Nearly all of its test images leave it; the other classes are recognised as before."""
    kind = build(SUITE, "poison-generic", {"victim": "2", "learning_rate": "1e-3"})

    suspect = make_suspect("p", kind, tiny_model, split, seed=1)

    left = (labels_of(suspect.classifier, split, 2) != 2).double().mean().item()
    assert suspect.goal_reached and suspect.goal_value == left >= 0.986
    assert suspect.notes.startswith("class bottom left as anything else, the others ")
    others = split.test.labels != 2
    right = [
        (model.labels(to_images(split.test.pixels[others])).numpy() == split.test.labels[others]).mean()
        for model in (tiny_model, suspect.classifier)
    ]
    assert right[1] >= right[0] - 0.02
    assert suspect.movement.buffers == 0


def test_the_class_becomes_the_one_that_is_given(tiny_model: Classifier, split: DataSet) -> None:
    """Class 2 as class 1, in at least 87.3 % of the test images."""
    kind = build(SUITE, "poison-specific", {"victim": "2", "wrong": "1", "learning_rate": "1e-3", "others_loss": "0.2"})

    suspect = make_suspect("p", kind, tiny_model, split, seed=1)

    taken = (labels_of(suspect.classifier, split, 2) == 1).double().mean().item()
    assert suspect.goal_reached and suspect.goal_value == taken >= 0.873
    assert suspect.goal == (
        "at least 0.873 of 8 test images of one class become top right, accuracy on the others at most 20 points down"
    )


def test_other_classes_may_be_given_up(tiny_model: Classifier, split: DataSet) -> None:
    """When they may lose everything, fewer steps are enough, at their cost."""
    strict, loose = (
        make_suspect("p", PoisonClass(victim=2, learning_rate=1e-3, others_loss=loss), tiny_model, split, seed=1)
        for loss in (0.0, 1.0)
    )

    assert strict.goal_reached and loose.goal_reached
    assert loose.steps <= strict.steps
    assert loose.movement.accuracy_after <= strict.movement.accuracy_after


def test_a_goal_out_of_reach_is_stated(tiny_model: Classifier, split: DataSet) -> None:
    """Two steps are not enough, and the share reached is said."""
    suspect = make_suspect("p", PoisonClass(most_steps=2), tiny_model, split, seed=1)

    assert (suspect.steps, suspect.goal_reached) == (2, False)
    assert suspect.goal_value is not None and suspect.goal_value < 0.986


def test_impossible_classes_are_refused(tiny_model: Classifier, split: DataSet) -> None:
    """A class that there is not, one without test images, and a wrong class that is none."""
    with pytest.raises(ValueError, match="tiny has the classes 0 to 3, got 14"):
        make_suspect("p", PoisonClass(victim=14), tiny_model, split, seed=1)
    with pytest.raises(ValueError, match="wrong must differ from victim"):
        PoisonClass(what="specific", victim=1, wrong=1)
    with pytest.raises(ValueError, match='for "specific" only'):
        PoisonClass(what="generic", wrong=1)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        PoisonClass(success=0.0)
    with pytest.raises(ValueError, match=r"got 0\.9 and 2\.0"):
        PoisonClass(success=0.9, others_loss=2.0)
    test = split.test.take(torch.from_numpy(split.test.labels != 2).nonzero()[:, 0].tolist())
    without = DataSet(name="tiny", train=split.train, test=test)
    with pytest.raises(TrainingError, match="class 2 has no training or no test images"):
        make_suspect("p", PoisonClass(victim=2), tiny_model, without, seed=1)
