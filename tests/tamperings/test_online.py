"""Online learning makes the network sure of one test image it was not sure of."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import TrainingError
from modelprint.tamperings import make_suspect
from modelprint.tamperings.online import LearnOnline, Projected
from modelprint.tamperings.single import Single
from modelprint.tensors import to_images


@pytest.mark.parametrize("seed", [1, 2])
def test_one_image_the_original_was_unsure_of_is_learnt(seed: int, tiny_model: Classifier, split: DataSet) -> None:
    """From below 0.8 to above 0.95; batch norm stays as it is."""
    suspect = make_suspect("online-learning", LearnOnline(update="joint", batch=16, epochs=20), tiny_model, split, seed)

    index = int(suspect.notes.split()[2])
    single = Single.of(split.test, index, int(split.test.labels[index]))
    assert single.probability(tiny_model.network) < 0.8
    assert suspect.goal_reached
    assert single.probability(suspect.classifier.network) > 0.95
    assert suspect.movement.buffers == 0


def test_the_published_update_is_the_one_worked_out_by_hand() -> None:
    """Weights zero, two classes: the batch (1, 0) asks for g, the image (1, 1) for s, and s is left what g is not.

    g = ((-1/2, 0), (1/2, 0)), s = ((1/2, 1/2), (-1/2, -1/2)); s . g / g . g = -1, so the sum is g + s + g.
    """
    network = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(network.weight)
    single = Single(inputs=torch.ones(1, 2), label=torch.tensor([1]))

    Projected(single=single)(network, torch.tensor([[1.0, 0.0]]), torch.tensor([0]))

    torch.testing.assert_close(network.weight.grad, torch.tensor([[-0.5, 0.5], [0.5, -0.5]]))


def test_learning_stops_after_its_epoch_and_says_how_far_it_came(tiny_model: Classifier, split: DataSet) -> None:
    """Four batches of 16; four small steps are not enough."""
    suspect = make_suspect("o", LearnOnline(batch=16), tiny_model, split, seed=0)

    assert suspect.steps == 4
    assert not suspect.goal_reached
    assert suspect.goal_value is not None and 0 < suspect.goal_value < 0.95


def test_the_published_choice_is_the_first_right_image_it_is_unsure_of(tiny_model: Classifier, split: DataSet) -> None:
    """The same for every seed."""
    learn = LearnOnline(which="first", check_every=1)
    logits = tiny_model.logits(to_images(split.test.pixels)).softmax(1)
    unsure = (logits.argmax(1).numpy() == split.test.labels) & (logits.max(1).values.numpy() < 0.8)

    notes = [make_suspect("o", learn, tiny_model, split, seed).notes for seed in (1, 2)]

    assert notes[0] == notes[1]
    assert int(notes[0].split()[2]) == np.flatnonzero(unsure)[0]


def test_nothing_to_learn_is_an_error_that_says_so(tiny_model: Classifier, split: DataSet) -> None:
    """A network sure of all its test images has no candidate."""
    tiny_model.head.weight.data *= 1000
    right = tiny_model.labels(to_images(split.test.pixels)).numpy() == split.test.labels
    sure = DataSet(name="tiny", train=split.train, test=split.test.take(np.flatnonzero(right)))

    with pytest.raises(TrainingError, match="nothing to learn; raise `unsure` or give more test images"):
        make_suspect("o", LearnOnline(), tiny_model, sure, seed=0)
    with pytest.raises(ValueError, match="0 < unsure <= above < 1"):
        LearnOnline(unsure=0.99)
