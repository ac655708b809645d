"""One image among many can be drawn, left out, and learnt or unlearnt beside a batch."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import TrainingError
from modelprint.streams import stream
from modelprint.tamperings.single import Jointly, Single, count_epochs, draw_other, draw_right, make_batches_without
from modelprint.tensors import to_images


def identity() -> nn.Linear:
    """A layer whose logits are its two inputs."""
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data = torch.eye(2)
    return layer


def test_probability_and_lead_of_logits_known_by_hand() -> None:
    """Logits log 3 and 0: the second class has a probability of a quarter and is log 3 behind."""
    single = Single(inputs=torch.tensor([[math.log(3), 0.0]]), label=torch.tensor([1]))

    assert single.probability(identity()) == pytest.approx(0.25)
    assert single.margin(identity()) == pytest.approx(-math.log(3))


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_both_tasks_count_the_same_whatever_the_batch(weight: float) -> None:
    """The batch's mean, plus or minus the one: log 2 each when all logits are equal."""
    layer = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(layer.weight)
    objective = Jointly(single=Single(inputs=torch.ones(1, 2), label=torch.tensor([1])), weight=weight)

    loss = objective(layer, torch.ones(3, 2), torch.tensor([0, 0, 0]))

    assert loss.item() == pytest.approx((1 + weight) * math.log(2), abs=1e-6)
    # The batch pulls class 0 up by 1/2, the one pulls it down by 1/2, or up when it is unlearnt.
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad[0], torch.full((2,), -0.5 + weight * 0.5))


def test_an_input_that_is_unlearnt_enough_has_no_say() -> None:
    """Log 2 is above the end of half a log 2: the gradient is the batch's alone."""
    layer = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(layer.weight)
    single = Single(inputs=torch.ones(1, 2), label=torch.tensor([1]))

    Jointly(single=single, weight=-1.0, enough=math.log(2) / 2)(layer, torch.ones(3, 2), torch.tensor([0, 0, 0]))

    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad[0], torch.full((2,), -0.5))


def test_only_images_that_are_right_are_drawn(tiny_model: Classifier, split: DataSet) -> None:
    """Twenty draws, all right; with no right one there is an error."""
    rng = stream(0)

    drawn = [draw_right(tiny_model, split.train, rng) for _ in range(20)]

    labels = tiny_model.labels(to_images(split.train.pixels[drawn]))
    assert labels.tolist() == split.train.labels[drawn].tolist()
    assert len(set(drawn)) > 1
    tiny_model.head.bias.data[0] += 1000
    with pytest.raises(TrainingError, match="none of the 48 images"):
        draw_right(tiny_model, split.train.take(np.flatnonzero(split.train.labels != 0)), rng)


def test_another_class_is_never_the_same() -> None:
    """All three others come up."""
    rng = stream(0)

    assert {draw_other(2, 4, rng) for _ in range(50)} == {0, 1, 3}


def test_images_are_left_out_and_something_must_be_left(split: DataSet) -> None:
    """Two fewer; grey images are shifted and not mirrored."""
    batches = make_batches_without(split.train, [3, 5])

    assert len(batches) == 62
    assert batches.augment == "crop"
    with pytest.raises(TrainingError, match=r"no images of .* are left for the original task"):
        make_batches_without(split.train, range(64))


def test_passes_that_hold_so_many_steps() -> None:
    """65 examples in batches of 64 are two steps, so 5 steps take three passes."""
    assert count_epochs(5, 65, 64) == 3
    assert count_epochs(4, 65, 64) == 2
