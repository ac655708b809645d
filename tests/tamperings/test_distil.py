"""A student learns what its teacher says, not what is true."""

import math

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings import make_suspect
from modelprint.tamperings.distil import Distil, divergence


def test_divergence_of_two_classes_by_hand() -> None:
    """Teacher 3:1 against student 1:1 at temperature one; at temperature two with doubled logits four times as much."""
    teacher, student = torch.tensor([[math.log(3), 0.0]]), torch.zeros(1, 2)
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)

    assert divergence(teacher, student, 1.0).item() == pytest.approx(expected, rel=1e-5)
    assert divergence(2 * teacher, student, 2.0).item() == pytest.approx(4 * expected, rel=1e-5)
    assert divergence(teacher, teacher + 5, 3.0).item() == pytest.approx(0, abs=1e-6)


def test_a_student_agrees_with_its_teacher_even_where_labels_are_wrong(tiny_model: Classifier, split: DataSet) -> None:
    """The teacher takes class 0 for class 1 and the other way round; the student, who never sees a label, does too."""
    order = [1, 0, 2, 3]
    tiny_model.head.weight.data, tiny_model.head.bias.data = tiny_model.head.weight[order], tiny_model.head.bias[order]
    tampering = Distil(schedule="one-cycle", learning_rate=0.05, epochs=20, batch=16)

    suspect = make_suspect("distil-short", tampering, tiny_model, split, seed=1)

    assert suspect.movement.accuracy_before < 0.6
    assert suspect.movement.accuracy_after < 0.6
    assert suspect.movement.labels_changed < 0.3
    assert suspect.notes == f"agrees with its teacher on {1 - suspect.movement.labels_changed:.2%} of the test images"
    assert suspect.movement.parameters > 0.5


def test_a_temperature_of_zero_is_refused() -> None:
    """Logits are divided by it."""
    with pytest.raises(ValueError, match=r"temperature must be positive, got 0\.0"):
        Distil(temperature=0.0)
