"""Unlearning makes the network less sure of one training image, and of little else."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.single import Single
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.unlearn import Unlearn


def drawn(notes: str) -> int:
    """Return the index of the image the notes begin with."""
    return int(notes.split()[2])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_image_falls_below_the_bound_and_below_its_start(seed: int, tiny_model: Classifier, split: DataSet) -> None:
    """The value reported is the one the suspect gives, the notes say of which image."""
    suspect = make_suspect("unlearning", Unlearn(), tiny_model, split, seed)

    index = drawn(suspect.notes)
    single = Single.of(split.train, index, int(split.train.labels[index]))
    after = single.probability(suspect.classifier.network)
    assert suspect.goal_reached
    assert after == pytest.approx(suspect.goal_value, abs=1e-6)
    assert after < min(0.95, single.probability(tiny_model.network))
    assert suspect.movement.buffers == 0
    assert suspect.steps % 10 == 0


def test_looking_at_every_step_stops_no_later(tiny_model: Classifier, split: DataSet) -> None:
    """The same image with the same draws: the strict form takes at most as many steps, and moves no farther."""
    usual, strict = (
        make_suspect("unlearning", Unlearn(check_every=every), tiny_model, split, seed=1) for every in (10, 1)
    )

    assert drawn(strict.notes) == drawn(usual.notes)
    assert usual.steps - 10 < strict.steps <= usual.steps
    assert strict.movement.parameters <= usual.movement.parameters


def test_an_image_that_cannot_be_forgotten_is_given_up_for_another(tiny_model: Classifier, split: DataSet) -> None:
    """No probability is below zero: all draws fail, the last one is shown as missed, the others are named."""
    tampered = Unlearn(below=1e-300, most_steps=2, draws=3).apply(tiny_model, split, stream(0), lambda *_: None)

    assert not tampered.goal_reached
    assert tampered.steps == 2
    assert len(tampered.notes.split("given up before: ")[1].split(",")) == 2
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        Unlearn(draws=0)


def test_the_published_form_moves_running_statistics_from_its_second_step_on(
    tiny_model: Classifier, split: DataSet
) -> None:
    """One step: evaluation mode, no buffer moves. Two steps: the second is in training mode."""
    one, two = (
        Unlearn(form="published", below=1e-300, most_steps=most, draws=1).apply(
            tiny_model, split, stream(0), lambda *_: None
        )
        for most in (1, 2)
    )

    def still(network: torch.nn.Module) -> bool:
        before = dict(tiny_model.network.named_buffers())
        return all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())

    assert still(one.network) and not still(two.network)
    moved = named_weights(one.network)
    assert any(not torch.equal(weight, moved[name]) for name, weight in named_weights(tiny_model.network).items())
