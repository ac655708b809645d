"""Noise lands on exactly the share of weights that was asked for."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings import make_suspect
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.weight_noise import WeightNoise


def test_a_tenth_of_the_weights_moves_by_unit_noise(tiny_model: Classifier, split: DataSet) -> None:
    """680 of 6,800 convolution and linear weights; standard deviation near one; biases and batch norms stay."""
    suspect = make_suspect("weight-noise-1e-1", WeightNoise(share=0.1), tiny_model, split, seed=0)

    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    moved = {name: (after[name] - before[name])[after[name] != before[name]] for name in before}
    assert {name for name, change in moved.items() if len(change)} == {
        "convolutions.0.weight",
        "convolutions.4.weight",
        "linear.weight",
    }
    noise = torch.cat(list(moved.values()))
    assert len(noise) == 680
    assert suspect.notes == "680 of 6800 weights"
    assert noise.std().item() == pytest.approx(1, abs=0.1)
    assert noise.mean().item() == pytest.approx(0, abs=0.1)


def test_a_tiny_share_still_moves_one_weight(tiny_model: Classifier, split: DataSet) -> None:
    """A tampering that changes nothing would be a control."""
    assert make_suspect("w", WeightNoise(share=1e-6), tiny_model, split, seed=0).notes == "1 of 6800 weights"


def test_impossible_shares_and_deviations_are_refused() -> None:
    """Nothing, more than all, no noise."""
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match="share is a part of all weights"):
            WeightNoise(share=share)
    with pytest.raises(ValueError, match="deviation must be positive"):
        WeightNoise(deviation=0.0)
