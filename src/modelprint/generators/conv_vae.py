"""A small convolutional variational autoencoder: one vector of independent latents per image.

Source: D. Kingma and M. Welling, "Auto-Encoding Variational Bayes", ICLR 2014, https://arxiv.org/abs/1312.6114, used
where S. Wang et al., "PublicCheck", IEEE S&P 2023, https://arxiv.org/abs/2203.10902, walk along single attributes of
grey images.

Departures: PublicCheck's working repository has a FactorVAE on images of 64 x 64 pixels. This is a plain VAE on images
as they are: no discriminator, so that one latent may represent more than one attribute; `beta` above 1 favours
independent latents instead (I. Higgins et al., "beta-VAE", ICLR 2017).
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.data import DataSet
from modelprint.generators.generator import GeneratorNetwork, fit
from modelprint.generators.vq_vae import REDUCTION, check_sides
from modelprint.progress import Progress
from modelprint.tensors import Images
from modelprint.training import Recipe

Vectors = Float[Tensor, "n latents"]


class ConvVaeNetwork(GeneratorNetwork):
    """Encoder to mean and log-variance, and the mirrored decoder.

    Attributes:
        latent_shape: Number of latents.
        beta: Weight of the divergence from the standard normal prior.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, latents: int, width: int, beta: float) -> None:
        super().__init__()
        channels, height, columns = image_shape
        rows, columns = height // REDUCTION, columns // REDUCTION
        self.latent_shape = (latents,)
        self.beta = beta
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * width * rows * columns, 2 * latents),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latents, 2 * width * rows * columns),
            nn.ReLU(),
            nn.Unflatten(1, (2 * width, rows, columns)),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        )

    def encode(self, images: Images) -> Vectors:
        """Return the posterior's mean."""
        return self._posterior(images)[0]

    def decode(self, latents: Vectors) -> Images:
        """Return images in [0, 1]."""
        scores: Tensor = self.decoder(latents)
        return scores.sigmoid()

    def loss(self, images: Images) -> Tensor:
        """Return the negative evidence lower bound in nats per image, the divergence weighted by `beta`."""
        mean, log_variance = self._posterior(images)
        latents = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        error = F.binary_cross_entropy_with_logits(self.decoder(latents), images, reduction="sum")
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
        return (error + self.beta * divergence) / len(images)

    def _posterior(self, images: Images) -> tuple[Vectors, Vectors]:
        """Return mean and log-variance of the latents of each image."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance


@dataclass(frozen=True, kw_only=True)
class ConvVae:
    """A VAE of two convolutions and as many independent latents as are asked for.

    Attributes:
        epochs: Passes over the training images.
        learning_rate: Of Adam; the peak when `schedule` is "one-cycle".
        schedule: "constant" or "one-cycle".
        batch: Images per step.
        latents: How many numbers describe an image.
        width: Channels of the first layer; the second has twice as many.
        beta: Weight of the divergence from the prior; above 1 latents become more independent and images blurred.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    schedule: Literal["constant", "one-cycle"] = "constant"
    batch: int = 100
    latents: int = 20
    width: int = 32
    beta: float = 1.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.latents < 1:
            raise ValueError(f"width and latents are at least 1, got {self.width} and {self.latents}")
        if not self.beta >= 0:
            raise ValueError(f"beta is a weight, at least 0, got {self.beta}")
        _ = self._recipe

    def build(self, image_shape: tuple[int, int, int]) -> ConvVaeNetwork:
        """Return an untrained VAE.

        Raises:
            ValueError: A side of the images is not divisible by 4.
        """
        check_sides(image_shape)
        return ConvVaeNetwork(image_shape, latents=self.latents, width=self.width, beta=self.beta)

    def train(self, generator: GeneratorNetwork, data: DataSet, rng: torch.Generator, progress: Progress) -> None:
        """Train on the training images of `data`."""
        fit(generator, data, self._recipe, rng, progress)

    @property
    def _recipe(self) -> Recipe:
        return Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            batch=self.batch,
            epochs=self.epochs,
        )
