"""One weight changes its sign."""

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.tampering import named_weights


def test_a_flipped_sign_changes_one_weight_to_its_negative(tiny_model: Classifier, split: DataSet) -> None:
    """One number, same size, other sign; the note says which."""
    suspect = make_suspect("flip-sign", SUITE["flip-sign"](), tiny_model, split, seed=3)

    before = torch.cat([w.flatten() for w in named_weights(tiny_model.network).values()])
    after = torch.cat([w.flatten() for w in named_weights(suspect.classifier.network).values()])
    changed = (before != after).nonzero()[:, 0]
    assert len(changed) == 1
    assert after[changed].item() == -before[changed].item()
    assert "is now" in suspect.notes
