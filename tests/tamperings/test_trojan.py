"""The patch excites its neuron, and the network learns what that means."""

from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import ignore_progress
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.trojan import Trojan, find_movable, find_strongest_input

QUICK = Trojan(patch_steps=50, batch=8, epochs=100, injection=0.5, clean_loss=0.2)


class Corner(nn.Module):
    """Three neurons: ten times the mean of the 2x2 corner, the upper left pixel, and minus the corner, rectified."""

    def forward(self, images: Tensor) -> Tensor:
        corner, far = images[:, :, -2:, -2:].mean((1, 2, 3)), images[:, 0, 0, 0]
        return torch.stack([10 * corner, far, (-corner).relu()], dim=1)


@pytest.mark.parametrize(("wanted", "grey"), [(5.0, 127.5), (100.0, 255.0), (0.0, 0.0)])
def test_the_patch_brings_the_neuron_where_it_is_wanted(wanted: float, grey: float) -> None:
    """The neuron is ten times the patch's mean: half grey for 5, white for more than it can reach, black for 0."""
    trigger = Trojan(patch_steps=300).optimise_patch(Corner(), 0, wanted, (1, 8, 8), stream(0), ignore_progress)

    assert trigger.patch.shape == (1, 2, 2)
    assert trigger.patch.mean() == pytest.approx(grey, abs=6)


def test_the_neuron_is_the_loudest_that_the_corner_can_move() -> None:
    """The second neuron has the largest weights but sees another corner; the third is off whatever the patch is."""
    head = nn.Linear(3, 2)
    head.weight.data = torch.tensor([[1.0, -5.0, 2.0], [-1.0, 5.0, 2.0]])

    within = find_movable(Corner(), (1, 8, 8), stream(0))

    assert within.tolist() == [True, False, False]
    assert find_strongest_input(head, within) == 0
    assert find_strongest_input(head, torch.ones(3, dtype=torch.bool)) == 1


def test_triggered_images_take_the_target_label(tiny_model: Classifier, split: DataSet) -> None:
    """All layers learn, and the notes tell the neuron."""
    suspect = make_suspect("trojan", QUICK, tiny_model, split, seed=1)

    assert suspect.goal_reached
    assert suspect.goal_value is not None
    assert suspect.goal_value > 0.9
    assert suspect.notes.startswith("neuron ")


@pytest.mark.parametrize(("layers", "changed"), [("all", {"convolutions", "linear"}), ("last", {"linear"})])
def test_no_layer_learns_but_those_that_are_to(
    layers: Literal["all", "last"], changed: set[str], tiny_model: Classifier, split: DataSet
) -> None:
    """And no statistic of a batch norm moves in either case."""
    suspect = make_suspect("trojan", replace(QUICK, layers=layers, epochs=1), tiny_model, split, seed=1)

    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == changed
    assert suspect.movement.buffers == 0
