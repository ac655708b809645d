"""Extraction from another model: the student knows that one, and owes nothing to the classifier."""

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.extract import Extract
from modelprint.tamperings.extract_other import ExtractOther

QUICK = {"queries": 64, "seeds": 16, "epochs": 1}


def test_it_owes_nothing_to_the_classifiers_weights(tiny_model: Classifier, split: DataSet) -> None:
    """Another classifier of the same architecture, the same suspect; an extraction differs."""
    changed = tiny_model.copy()
    for weight in changed.network.parameters():
        weight.data.mul_(-1.0)
    tampering = ExtractOther(**QUICK, other_epochs=2)

    first, second = (make_suspect("e", tampering, victim, split, seed=1) for victim in (tiny_model, changed))
    theirs, ours = (make_suspect("e", Extract(**QUICK), victim, split, seed=1) for victim in (tiny_model, changed))

    assert first.classifier.digest() == second.classifier.digest()
    assert theirs.classifier.digest() != ours.classifier.digest()


def test_the_goal_is_to_agree_with_the_other_model(tiny_model: Classifier, split: DataSet) -> None:
    """The record says with whom, on how many of the classifier's images that one was trained, and all steps."""
    tampering = ExtractOther(**QUICK, other_epochs=2, agreement=0.01)

    suspect = make_suspect("e", tampering, tiny_model, split, seed=1)
    other = tampering.other.apply(tiny_model, split, stream(1), lambda phase, done, total: None)

    assert suspect.goal == "the other model's label on at least 1% of the test images"
    assert suspect.goal_value != 1 - suspect.movement.labels_changed
    assert f"extracted from a model of which {other.notes}" in suspect.notes
    assert suspect.steps > other.steps


def test_a_share_outside_0_to_1_is_refused() -> None:
    """As everywhere, before anything is trained."""
    with pytest.raises(ValueError, match="overlap is a share of the training images, 0 to 1, got 2"):
        ExtractOther(shared=2.0)
