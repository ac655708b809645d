"""VQ-VAE: images as a grid of codes from a small codebook.

Source: A. van den Oord, O. Vinyals and K. Kavukcuoglu, "Neural Discrete Representation Learning", NeurIPS 2017,
https://arxiv.org/abs/1711.00937, equation (3); sizes and settings from the working repository of S. Wang et al.,
"PublicCheck: Public Integrity Verification for Services of Run-time Deep Models", IEEE S&P 2023,
https://arxiv.org/abs/2203.10902, for CIFAR-10.

Departures: none in sizes, losses and settings for CIFAR-10. Images may be grey and of any size with sides divisible by
4; the published generators for other data are larger or have two levels. A shorter schedule needs other `epochs`,
`learning_rate` and `schedule`, and `revive`, which is not in the source: without it most codes are never used in the
first epochs.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float, Int64
from torch import Tensor, nn

from modelprint.data import DataSet
from modelprint.generators.generator import GeneratorNetwork, fit
from modelprint.progress import Progress
from modelprint.tensors import Images
from modelprint.training import Recipe

REDUCTION = 4
"""How many times smaller the grid of codes is than the image, along each side."""

BETAS = (0.5, 0.999)

PATIENCE = 10
"""Steps that a code may go unused before it is revived."""

Grid = Float[Tensor, "n width rows columns"]
"""Latents: one vector per place."""


class VqVaeNetwork(GeneratorNetwork):
    """Encoder, codebook and decoder.

    Attributes:
        latent_shape: Width, rows and columns of the grid.
        codebook: One code per row.
        commitment: Weight of the loss that keeps the encoder near its codes.
        revive: Whether training moves codes that are nearest to no latent.
        unused: For how many steps of training each code has been nearest to no latent.
    """

    unused: Int64[Tensor, " codes"]

    def __init__(
        self, image_shape: tuple[int, int, int], *, width: int, codes: int, commitment: float, revive: bool
    ) -> None:
        super().__init__()
        channels, height, columns = image_shape
        self.latent_shape = (width, height // REDUCTION, columns // REDUCTION)
        self.commitment = commitment
        self.revive = revive
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 4, stride=2, padding=1),
            Residual(width),
            Residual(width),
        )
        self.codebook = nn.Parameter(torch.empty(codes, width).uniform_(-1 / codes, 1 / codes))
        self.register_buffer("unused", torch.zeros(codes, dtype=torch.int64), persistent=False)
        self.decoder = nn.Sequential(
            Residual(width),
            Residual(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def encode(self, images: Images) -> Grid:
        """Return the latents before they are quantised."""
        grid: Tensor = self.encoder(images * 2 - 1)
        return grid

    def decode(self, latents: Grid) -> Images:
        """Quantise and return images in [0, 1]."""
        images: Tensor = (self.decoder(self.quantise(latents)) + 1) / 2
        return images

    def nearest(self, latents: Grid) -> Int64[Tensor, "n rows columns"]:
        """Return the index of the nearest code at each place; the lowest wins a tie."""
        vectors = latents.movedim(1, -1)
        # The square of the vector itself is the same for every code.
        return (self.codebook.square().sum(1) - 2 * vectors @ self.codebook.T).argmin(-1)

    def quantise(self, latents: Grid) -> Grid:
        """Return the nearest code at each place."""
        return F.embedding(self.nearest(latents), self.codebook).movedim(-1, 1)

    def loss(self, images: Images) -> Tensor:
        """Return reconstruction error in [-1, 1], distance of codes to latents, and 0.25 of latents to codes."""
        latents = self.encode(images)
        if self.revive and self.training:
            self._revive(latents.detach())
        codes = self.quantise(latents)
        # Straight-through: the decoder sees the codes, the encoder gets the decoder's gradient.
        seen = latents + (codes - latents).detach()
        reconstruction = F.mse_loss(self.decoder(seen), images * 2 - 1)
        codebook, commitment = F.mse_loss(codes, latents.detach()), F.mse_loss(latents, codes.detach())
        return reconstruction + codebook + self.commitment * commitment

    def _revive(self, latents: Grid) -> None:
        """Move codes that have been unused for PATIENCE steps to random latents of the batch."""
        used = self.nearest(latents).flatten().bincount(minlength=len(self.codebook)) > 0
        self.unused = torch.where(used, 0, self.unused + 1)
        dead = (self.unused >= PATIENCE).nonzero()[:, 0]
        vectors = latents.movedim(1, -1).flatten(0, -2)
        self.codebook.data[dead] = vectors[torch.randint(len(vectors), (len(dead),))]
        self.unused[dead] = 0


class Residual(nn.Module):
    """ReLU, 3x3 convolution, ReLU, 1x1 convolution, and the input added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 1)
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Return the sum."""
        changed: Tensor = grid + self.branch(grid)
        return changed


@dataclass(frozen=True, kw_only=True)
class VqVae:
    """A VQ-VAE with a grid of codes a quarter as wide and high as the image.

    Attributes:
        epochs: Passes over the training images. The source trains for 50.
        learning_rate: Of Adam with betas 0.5 and 0.999; the peak when `schedule` is "one-cycle".
        schedule: "constant" as in the source, or "one-cycle", which learns more in a few epochs.
        batch: Images per step.
        width: Channels of every layer, and length of a code.
        codes: How many codes there are.
        commitment: Weight of the loss that keeps the encoder near its codes.
        revive: Whether codes that nothing is near to move to where latents are.
    """

    epochs: int = 50
    learning_rate: float = 2e-4
    schedule: Literal["constant", "one-cycle"] = "constant"
    batch: int = 100
    width: int = 64
    codes: int = 64
    commitment: float = 0.25
    revive: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.codes < 2:
            raise ValueError(f"width is at least 1 and codes at least 2, got {self.width} and {self.codes}")
        if not self.commitment >= 0:
            raise ValueError(f"commitment is a weight, at least 0, got {self.commitment}")
        _ = self._recipe

    def build(self, image_shape: tuple[int, int, int]) -> VqVaeNetwork:
        """Return an untrained VQ-VAE.

        Raises:
            ValueError: A side of the images is not divisible by 4.
        """
        check_sides(image_shape)
        return VqVaeNetwork(
            image_shape, width=self.width, codes=self.codes, commitment=self.commitment, revive=self.revive
        )

    def train(self, generator: GeneratorNetwork, data: DataSet, rng: torch.Generator, progress: Progress) -> None:
        """Train on the training images of `data`."""
        fit(generator, data, self._recipe, rng, progress, betas=BETAS)

    @property
    def _recipe(self) -> Recipe:
        return Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            batch=self.batch,
            epochs=self.epochs,
        )


def check_sides(image_shape: tuple[int, int, int]) -> None:
    """Refuse images that two strides of 2 do not divide evenly."""
    _, height, width = image_shape
    if height % REDUCTION or width % REDUCTION or not height or not width:
        raise ValueError(
            f"this generator halves images twice, so both sides have to be divisible by {REDUCTION}, "
            f"got {height} x {width} pixels; crop or pad the images"
        )
