"""Students are new networks for the images and classes of a classifier."""

import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.errors import TrainingError
from modelprint.networks.small_cnn import SmallCnn
from modelprint.streams import stream
from modelprint.tamperings.students import choose_light_augmentation, make_cycle_recipe, make_untrained


def test_a_named_network_fits_the_images_and_classes(tiny_model: Classifier) -> None:
    """One channel, four classes, weights from the stream."""
    one, same, other = (make_untrained("cnn3", tiny_model, stream(seed)) for seed in (1, 1, 2))

    assert isinstance(one, SmallCnn)
    assert one(torch.zeros(2, 1, 8, 8)).shape == (2, 4)
    assert torch.equal(one.linear.weight, same.linear.weight)
    assert not torch.equal(one.linear.weight, other.linear.weight)


def test_an_architecture_of_ones_own_is_reset(tiny_model: Classifier) -> None:
    """The fixture's name is in no table, so its layers are copied and drawn again."""
    student = make_untrained("", tiny_model, stream(1))

    assert type(student) is type(tiny_model.network)
    assert not torch.equal(student.linear.weight, tiny_model.network.linear.weight)


def test_a_network_for_other_images_is_refused() -> None:
    """The error lists those that fit."""
    model = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), image_shape=(1, 8, 8), class_count=3)

    with pytest.raises(TrainingError, match=r"lenet5 is not a network for images of shape \(1, 8, 8\); choose one of "):
        make_untrained("lenet5", model, stream(0))


def test_colour_is_augmented_and_grey_is_not() -> None:
    """Few epochs are too few for shifted characters."""
    assert choose_light_augmentation((3, 32, 32)) == "crop-flip"
    assert choose_light_augmentation((1, 28, 28)) == "none"


def test_the_cycle_is_that_of_shortened_retraining() -> None:
    """SGD with momentum 0.9, its peak as given."""
    recipe = make_cycle_recipe(0.05, 10, 64)

    assert (recipe.schedule, recipe.optimiser, recipe.momentum) == ("one-cycle", "sgd", 0.9)
    assert (recipe.learning_rate, recipe.epochs, recipe.batch) == (0.05, 10, 64)
