"""The control that changes nothing."""

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings import SUITE, make_suspect


def test_nothing_moves(tiny_model: Classifier, split: DataSet) -> None:
    """The same weights in another network, and a movement of zero in every respect."""
    suspect = make_suspect("none", SUITE["none"](), tiny_model, split, seed=3)

    assert suspect.classifier.digest() == tiny_model.digest()
    assert suspect.classifier.network is not tiny_model.network
    moved = suspect.movement
    assert (moved.parameters, moved.buffers, moved.logit_rms, moved.labels_changed) == (0, 0, 0, 0)
    assert moved.accuracy_before == moved.accuracy_after
