"""The dense VAE: its lower bound, its optimiser, and what it takes and gives."""

import math

import pytest
import torch

from modelprint.generators.dense_vae import DenseVae
from modelprint.training import Recipe, TensorBatches, train


def test_the_loss_of_a_network_that_says_nothing_is_known() -> None:
    """All weights zero: mean 0 and variance 1 diverge by nothing, and every pixel costs log 2 nats, whatever it is."""
    made = DenseVae(latents=3, hidden=4).build((1, 8, 8))
    for parameter in made.parameters():
        parameter.data.zero_()

    assert made.loss(torch.rand(5, 1, 8, 8)).item() == pytest.approx(64 * math.log(2), rel=1e-6)


def test_the_divergence_is_that_of_normal_distributions() -> None:
    """Mean 2 and log-variance 1 in each of 3 latents: 3/2 (4 + e - 1 - 1) nats."""
    made = DenseVae(latents=3, hidden=4).build((1, 8, 8))
    for parameter in made.parameters():
        parameter.data.zero_()
    made.get_parameter("mean.bias").data.fill_(2.0)
    made.get_parameter("log_variance.bias").data.fill_(1.0)

    expected = 64 * math.log(2) + 1.5 * (4 + math.e - 2)

    assert made.loss(torch.rand(5, 1, 8, 8)).item() == pytest.approx(expected, rel=1e-6)


def test_latents_are_vectors_and_images_come_back_in_their_shape() -> None:
    """The mean is what an image is encoded as; what is decoded is in [0, 1], of any shape."""
    made = DenseVae(latents=3, hidden=4).build((3, 5, 7))
    images = torch.rand(2, 3, 5, 7)

    latents = made.encode(images)
    back = made.decode(latents)

    assert latents.shape[1:] == made.latent_shape == (3,)
    assert torch.equal(latents, made.encode(images))
    assert back.shape == images.shape and back.min() >= 0 and back.max() <= 1


def test_rmsprop_is_that_of_keras() -> None:
    """The first step of a gradient g is rate * g / sqrt(0.1 g^2): 3.16 rates, whatever g is."""
    network = torch.nn.Linear(1, 2)
    network.weight.data = torch.tensor([[0.0], [0.0]])
    batches = TensorBatches(inputs=torch.ones(4, 1), labels=torch.zeros(4, dtype=torch.int64))

    train(network, batches, Recipe(optimiser="rmsprop", learning_rate=0.01, batch=4), torch.Generator())

    assert network.weight.flatten().tolist() == pytest.approx([0.01 * 10**0.5, -0.01 * 10**0.5], rel=1e-4)


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"latents": 0}, {"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}])
def test_impossible_settings_are_refused(wrong: dict[str, int | float]) -> None:
    """Before anything is built."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DenseVae(**wrong)  # type: ignore[arg-type]
