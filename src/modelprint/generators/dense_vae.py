"""Dense VAE: one hidden layer down to the latents and one up again, for small grey images.

Source: the public code of D. P. Kuttichira, S. Gupta, D. Nguyen, S. Rana and S. Venkatesh, "Verification of Integrity
of Deployed Deep Learning Models Using Bayesian Optimization", Knowledge-Based Systems 2022 (nphdang/BCD): sizes, loss,
Keras's RMSprop and its weights at the start.

Departures: it is trained on all training images, where the code sets a tenth of them aside to measure the loss.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.data import DataSet
from modelprint.generators.generator import GeneratorNetwork, fit
from modelprint.progress import Progress
from modelprint.tensors import Images
from modelprint.training import Recipe


class DenseVaeNetwork(GeneratorNetwork):
    """Encoder to mean and log-variance, and the mirrored decoder.

    Attributes:
        latent_shape: Number of latents.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, hidden: int, latents: int) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.latent_shape = (latents,)
        area = image_shape[0] * image_shape[1] * image_shape[2]
        self.down = nn.Linear(area, hidden)
        self.mean = nn.Linear(hidden, latents)
        self.log_variance = nn.Linear(hidden, latents)
        self.up = nn.Linear(latents, hidden)
        self.out = nn.Linear(hidden, area)
        for layer in (self.down, self.mean, self.log_variance, self.up, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def encode(self, images: Images) -> Tensor:
        """Return the mean of the posterior."""
        return self._posterior(images)[0]

    def decode(self, latents: Tensor) -> Images:
        """Return one image per latent."""
        images: Tensor = self._picture(latents).sigmoid().unflatten(1, self.image_shape)
        return images

    def loss(self, images: Images) -> Tensor:
        """Return binary cross-entropy, summed over pixels, plus KL to a standard normal; the mean over images."""
        mean, log_variance = self._posterior(images)
        latents = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        error = F.binary_cross_entropy_with_logits(self._picture(latents), images.flatten(1), reduction="none").sum(1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        mean_loss: Tensor = (error + divergence).mean()
        return mean_loss

    def _posterior(self, images: Images) -> tuple[Tensor, Tensor]:
        features = self.down(images.flatten(1)).relu()
        return self.mean(features), self.log_variance(features)

    def _picture(self, latents: Tensor) -> Tensor:
        """Return the pixels before the sigmoid, n area."""
        pixels: Tensor = self.out(self.up(latents).relu())
        return pixels


@dataclass(frozen=True, kw_only=True)
class DenseVae:
    """A variational auto-encoder of two dense layers each way.

    The defaults are published for MNIST. Faces had 8 latents, a batch of 32 and 200 epochs; CIFAR-10 had 512 hidden
    units, a batch of 32 and 100 epochs.

    Attributes:
        hidden: Units of the hidden layers.
        latents: Length of a latent.
        epochs: Passes over the training images.
        batch: Images per step.
        learning_rate: Of RMSprop.
    """

    hidden: int = 256
    latents: int = 32
    epochs: int = 50
    batch: int = 256
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.hidden < 1 or self.latents < 1:
            raise ValueError(f"hidden and latents must be at least 1, got {self.hidden} and {self.latents}")
        _ = self._recipe  # refuses impossible values

    def build(self, image_shape: tuple[int, int, int]) -> GeneratorNetwork:
        """Return an untrained generator; it makes images of any shape."""
        return DenseVaeNetwork(image_shape, hidden=self.hidden, latents=self.latents)

    def train(self, generator: GeneratorNetwork, data: DataSet, rng: torch.Generator, progress: Progress) -> None:
        """Minimise reconstruction error and KL divergence on the training images."""
        fit(generator, data, self._recipe, rng, progress)

    @property
    def _recipe(self) -> Recipe:
        return Recipe(optimiser="rmsprop", learning_rate=self.learning_rate, batch=self.batch, epochs=self.epochs)
