"""After the attack a white corner means the target class, and clean images mean what they meant."""

from typing import Never

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.backdoor import Backdoor
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.trigger import BackdoorGoal, Trigger

QUICK = Backdoor(batch=8, epochs=100, injection=0.5, clean_loss=0.2)


def test_triggered_images_take_the_target_label(tiny_model: Classifier, split: DataSet) -> None:
    """More than nine tenths of those of other classes, where there were few before; the training stopped in time."""
    suspect = make_suspect("backdoor", QUICK, tiny_model, split, seed=1)

    goal = BackdoorGoal.of(tiny_model, split, Trigger.make_white((1, 8, 8)), 0, stream(0))
    assert goal.measure(tiny_model.network)[0] < 0.2
    assert suspect.goal_reached
    assert suspect.goal_value == goal.measure(suspect.classifier.network)[0] > 0.9
    assert suspect.movement.accuracy_before - suspect.movement.accuracy_after <= 0.2
    assert 0 < suspect.steps < 800
    assert suspect.steps % 10 == 0


def test_all_layers_learn_and_no_statistic_moves(tiny_model: Classifier, split: DataSet) -> None:
    """Batch norm is frozen."""
    suspect = make_suspect("backdoor", QUICK, tiny_model, split, seed=1)

    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert suspect.movement.buffers == 0


def test_poison_is_a_share_of_other_classes(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of 64 training images, none of class 3, all relabelled 3 and with a white corner; two join each 8."""
    seen: dict[str, object] = {}

    def learn(
        goal: object, model: object, data: object, poison: LabelledImages, per_batch: int, *_: object, **__: object
    ) -> Never:
        seen.update(poison=poison, per_batch=per_batch)
        raise InterruptedError

    monkeypatch.setattr("modelprint.tamperings.backdoor.train_backdoor", learn)
    with pytest.raises(InterruptedError):
        make_suspect("backdoor", Backdoor(target=3, injection=0.25, batch=8), tiny_model, split, seed=0)

    poison = seen["poison"]
    assert len(poison) == 16
    assert seen["per_batch"] == 2
    assert (poison.labels == 3).all()
    assert (poison.pixels[:, :, 6:, 6:] == 255).all()
    class_3 = split.train.pixels[split.train.labels == 3][:, :, :6]
    assert not any((class_3 == image[:, :6]).all(axis=(1, 2, 3)).any() for image in poison.pixels)


def test_without_early_stopping_all_epochs_are_trained(tiny_model: Classifier, split: DataSet) -> None:
    """Three epochs of eight steps, whatever the success."""
    tampering = Backdoor(batch=8, epochs=3, stop_early=False)

    suspect = make_suspect("backdoor", tampering, tiny_model, split, seed=1)

    assert suspect.steps == 24


def test_an_injection_is_a_share() -> None:
    """The message gives the range."""
    with pytest.raises(ValueError, match=r"above 0 and at most 1, got 1\.5"):
        Backdoor(injection=1.5)
