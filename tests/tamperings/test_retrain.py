"""Retraining starts from new weights, of the last layer or of all."""

import math

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.retrain import Retrain, make_start_recipe, reset
from modelprint.tamperings.tampering import named_weights


def test_the_last_layer_is_learned_again_and_no_other_moves(tiny_model: Classifier, split: DataSet) -> None:
    """Features are those of the original, so the accuracy comes back."""
    suspect = make_suspect("retrain-last", Retrain(learning_rate=0.05, batch=16, epochs=30), tiny_model, split, seed=0)

    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"linear.weight", "linear.bias"}
    assert suspect.movement.buffers == 0
    assert suspect.movement.accuracy_after >= 0.75


def test_all_layers_start_anew(tiny_model: Classifier, split: DataSet) -> None:
    """An epoch of tiny steps leaves weights far from those of the original."""
    suspect = make_suspect("retrain", Retrain(layers="all", learning_rate=1e-9, epochs=1), tiny_model, split, seed=0)

    assert suspect.movement.parameters > 0.5
    assert suspect.steps == 1  # a tenth of 64 images is held out, the rest is one batch


def test_a_reset_follows_the_stream_and_keeps_torchs_own(tiny_model: Classifier) -> None:
    """Equal streams give equal weights, within the bound of a new linear layer: one over the root of its inputs."""
    one, other = tiny_model.copy(), tiny_model.copy()
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)

    reset(one.network, stream(1))
    reset(other.network, stream(1))

    assert torch.equal(torch.rand(1), expected)
    assert one.digest() == other.digest() != tiny_model.digest()
    assert one.head.weight.abs().max() <= 1 / math.sqrt(512)
    assert one.network.convolutions[1].running_mean.abs().max() == 0


@pytest.mark.parametrize(("schedule", "optimiser", "momentum"), [("plateau", "adam", 0.0), ("one-cycle", "sgd", 0.9)])
def test_the_schedule_names_the_optimiser(schedule: str, optimiser: str, momentum: float) -> None:
    """Adam on plateaus, as published; SGD with momentum in one cycle."""
    recipe = make_start_recipe(schedule, 0.1, 3, 32)  # type: ignore[arg-type]

    assert (recipe.schedule, recipe.optimiser, recipe.momentum) == (schedule, optimiser, momentum)
    assert (recipe.learning_rate, recipe.epochs, recipe.batch) == (0.1, 3, 32)
