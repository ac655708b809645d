"""What a generator is: it turns images into latents and latents into images that look natural."""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tensors import Images, Labels
from modelprint.training import ImageBatches, Recipe, train


@runtime_checkable
class Generator(Protocol):
    """Encodes images as latents and decodes latents as images.

    Attributes:
        latent_shape: Shape of one latent.
    """

    latent_shape: tuple[int, ...]

    def encode(self, images: Images) -> Tensor:
        """Return one latent per image, n *latent_shape: the posterior's mean, or the latent before quantisation."""

    def decode(self, latents: Tensor) -> Images:
        """Return one image in [0, 1] per latent; a generator with a codebook uses the nearest codes."""


@runtime_checkable
class Quantised(Generator, Protocol):
    """A generator with a codebook: its images depend only on the codes nearest to a latent."""

    def nearest(self, latents: Tensor) -> Tensor:
        """Return the indices of the nearest codes, n and places."""


class GeneratorNetwork(nn.Module, ABC):
    """A trainable generator: a torch module with a loss.

    Attributes:
        latent_shape: Shape of one latent.
    """

    latent_shape: tuple[int, ...]

    @abstractmethod
    def encode(self, images: Images) -> Tensor:
        """Return one latent per image, n *latent_shape."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Images:
        """Return one image in [0, 1] per latent."""

    @abstractmethod
    def loss(self, images: Images) -> Tensor:
        """Return what training minimises on a batch of images, a scalar."""

    def forward(self, images: Images) -> Images:
        """Return the reconstruction."""
        return self.decode(self.encode(images))


@runtime_checkable
class GeneratorRecipe(Protocol):
    """A frozen dataclass of settings that makes generators of one kind."""

    def build(self, image_shape: tuple[int, int, int]) -> GeneratorNetwork:
        """Return an untrained generator of images of this shape, weights drawn from torch's global random numbers.

        Raises:
            ValueError: It cannot make images of this shape; says which it can.
        """

    def train(self, generator: GeneratorNetwork, data: DataSet, rng: torch.Generator, progress: Progress) -> None:
        """Train `generator` in place on the training part of `data`, and leave it in evaluation mode."""


def fit(
    generator: GeneratorNetwork,
    data: DataSet,
    recipe: Recipe,
    rng: torch.Generator,
    progress: Progress,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
) -> None:
    """Minimise the generator's loss on the training images, in place.

    Args:
        generator: The network to train.
        data: Its training part is used; labels are not.
        recipe: Optimiser, batch, epochs.
        rng: Order of the images, and noise of the loss.
        progress: Called after each step.
        betas: Of Adam.
    """

    def descend(_: nn.Module, images: Tensor, __: Labels) -> Tensor:
        loss = generator.loss(images)
        loss.backward()
        return loss

    batches = ImageBatches(data=data.train)
    train(
        generator, batches, recipe, rng, objective=descend, betas=betas, phase="training generator", progress=progress
    )


def encode(generator: Generator, images: Images, *, batch: int = 256) -> Tensor:
    """Return the latents of `images`, computed `batch` at a time without gradients."""
    with torch.no_grad():
        return torch.cat([generator.encode(chunk) for chunk in images.split(batch)])


def decode(generator: Generator, latents: Tensor, *, batch: int = 256) -> Images:
    """Return the images of `latents`, computed `batch` at a time without gradients."""
    with torch.no_grad():
        return torch.cat([generator.decode(chunk) for chunk in latents.split(batch)])
