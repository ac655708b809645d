"""Pruned weights are the smallest, and stay zero while the others learn."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.streams import stream
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.prune import Prune
from modelprint.tamperings.tampering import named_weights


def zeros(model: Classifier) -> dict[str, int]:
    """Count the zeros in each tensor."""
    return {name: int((weight == 0).sum()) for name, weight in named_weights(model.network).items()}


def test_tuning_moves_the_weights_that_are_left_and_no_other(tiny_model: Classifier, split: DataSet) -> None:
    """The same zeros as without tuning; everything else has moved."""
    plain = make_suspect("prune-20", SUITE["prune-20"](), tiny_model, split, seed=1).classifier
    tampering = Prune(epochs=2, batch=16, learning_rate=0.01)

    tuned = make_suspect("prune-20-tuned", tampering, tiny_model, split, seed=1)

    assert zeros(tuned.classifier) == zeros(plain)
    assert tuned.steps == 8
    before, after = (named_weights(model.network)["linear.weight"] for model in (plain, tuned.classifier))
    assert torch.equal(before == 0, after == 0)
    assert (before != after)[before != 0].float().mean() > 0.9


def test_the_published_form_takes_the_same_share_of_every_tensor_but_batch_norms(
    tiny_model: Classifier, split: DataSet
) -> None:
    """Seven tenths of each weight and bias, rounded; nothing of the batch norms."""
    network = SUITE["prune-published"]().apply(tiny_model, split, stream(0), lambda *_: None).network

    weights = named_weights(network)
    norms = {"convolutions.1.weight", "convolutions.1.bias", "convolutions.5.weight", "convolutions.5.bias"}
    for name, weight in weights.items():
        assert (weight == 0).sum() == (0 if name in norms else round(0.7 * weight.numel())), name
    assert norms < set(weights)


def test_a_negative_number_of_epochs_is_refused() -> None:
    """Zero means no tuning; less means nothing."""
    with pytest.raises(ValueError, match="epochs cannot be negative, got -1"):
        Prune(epochs=-1)


def test_pruning_zeroes_the_smallest_fifth(tiny_model: Classifier, split: DataSet) -> None:
    """Exactly the share asked for, and no weight that stays is smaller than one that went."""
    suspect = make_suspect("prune-20", SUITE["prune-20"](), tiny_model, split, seed=0)

    names = ("convolutions.0.weight", "convolutions.4.weight", "linear.weight")
    before = torch.cat([named_weights(tiny_model.network)[n].flatten() for n in names]).abs()
    after = torch.cat([named_weights(suspect.classifier.network)[n].flatten() for n in names])
    assert (after == 0).sum().item() == round(0.2 * len(before))
    assert before[after == 0].max() <= before[after != 0].min()
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        Prune(share=1.5)
