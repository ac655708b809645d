"""The small VAE: its lower bound, and images it can take."""

import math

import pytest
import torch

from modelprint.generators.conv_vae import ConvVae


def test_the_loss_of_a_network_that_says_nothing_is_known() -> None:
    """All weights zero: mean 0 and variance 1 diverge by nothing, and every pixel costs log 2 nats, whatever it is."""
    made = ConvVae(latents=3, width=4).build((1, 8, 8))
    for parameter in made.parameters():
        parameter.data.zero_()

    assert made.loss(torch.rand(5, 1, 8, 8)).item() == pytest.approx(64 * math.log(2), rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_divergence_is_that_of_normal_distributions(beta: float) -> None:
    """Mean 2 and log-variance 1 in each of 3 latents: 3/2 (4 + e - 1 - 1) nats, times beta."""
    made = ConvVae(latents=3, width=4, beta=beta).build((1, 8, 8))
    for parameter in made.parameters():
        parameter.data.zero_()
    made.encoder[-1].bias.data = torch.tensor([2.0, 2.0, 2.0, 1.0, 1.0, 1.0])

    expected = 64 * math.log(2) + beta * 1.5 * (4 + math.e - 2)

    assert made.loss(torch.rand(5, 1, 8, 8)).item() == pytest.approx(expected, rel=1e-6)


def test_the_mean_is_what_an_image_is_encoded_as() -> None:
    """No noise in it: twice the same; and what comes back is in [0, 1]."""
    made = ConvVae(latents=3, width=4).build((3, 8, 12))
    images = torch.rand(2, 3, 8, 12)

    latents = made.encode(images)
    back = made.decode(latents)

    assert torch.equal(latents, made.encode(images))
    assert latents.shape[1:] == made.latent_shape == (3,)
    assert back.shape == images.shape
    assert back.min() >= 0 and back.max() <= 1


@pytest.mark.parametrize("wrong", [{"width": 0}, {"latents": 0}, {"beta": -1.0}, {"epochs": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, int | float]) -> None:
    """Before anything is built."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ConvVae(**wrong)  # type: ignore[arg-type]
