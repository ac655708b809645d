"""The distance between a suspect and its original."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings.tampering import Movement, Suspect, named_weights, relative_distance


def test_movement_of_a_hand_made_change(tiny_model: Classifier, split: DataSet) -> None:
    """A bias raised by one moves one logit of every image by one: rms 1/sqrt(classes); all labels become that class."""
    from modelprint.tamperings import measure

    after = tiny_model.copy()
    after.head.bias.data[2] += 1
    movement = measure(tiny_model, after, split.test)

    assert movement.logit_rms == pytest.approx((1 / 4) ** 0.5, rel=1e-5)
    assert movement.buffers == 0
    size = sum(w.pow(2).sum().item() for w in named_weights(tiny_model.network).values()) ** 0.5
    assert movement.parameters == pytest.approx(1 / size, rel=1e-5)


def test_the_summary_has_a_line_for_each_number() -> None:
    """Kind, goal, parameters, logits, labels and accuracy."""
    moved = Movement(
        parameters=0.001, buffers=0.02, logit_rms=0.5, labels_changed=0.25, accuracy_before=1.0, accuracy_after=0.75
    )
    model = Classifier(torch.nn.Flatten(), image_shape=(1, 1, 2), class_count=2)
    suspect = Suspect(
        classifier=model,
        kind="flip-sign",
        settings={},
        seed=7,
        steps=3,
        goal_reached=False,
        movement=moved,
        seconds=1.0,
        notes="one weight",
    )

    assert suspect.summary().splitlines() == [
        "suspect      flip-sign, seed 7, 3 steps; one weight",
        "goal         not reached",
        "parameters   moved by 0.001 of their length, buffers by 0.02 of theirs",
        "logits       0.5 RMS change on the test images",
        "labels       25.00% changed on the test images",
        "accuracy     100.00% before, 75.00% after",
    ]


def test_tensors_without_a_counterpart_count_with_their_whole_length() -> None:
    """3 and 4 are changed by 0 and 4 of 5; a new tensor of length 3 makes it 5 of 5."""
    before = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}

    assert relative_distance(before, {"a": torch.tensor([3.0])}) == pytest.approx(4 / 5)
    assert relative_distance(before, {"a": torch.tensor([3.0]), "c": torch.tensor([3.0])}) == pytest.approx(1.0)
    assert relative_distance({}, {"c": torch.tensor([3.0])}) == 0.0
