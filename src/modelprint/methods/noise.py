"""Gaussian noise on natural images: a transform instead of a search.

Source: Z. He, T. Zhang and R. Lee, "VerIDeep: Verifying Integrity of Deep Neural Networks through Sensitive-Sample
Fingerprinting", https://arxiv.org/abs/1808.03277, section VII-A: other image transforms (Figs. 15 and 16).

Departures: the text names random noise without its kind or strength; here it is Gaussian, independent for each pixel
and channel, and clipped to [0, 1].
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from modelprint.methods.method import Card
from modelprint.methods.transform import Transform
from modelprint.streams import stream
from modelprint.tensors import Images


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Transform):
    """Add Gaussian noise to each source.

    Attributes:
        sigma: Standard deviation of the noise for images in [0, 1].
    """

    name: ClassVar[str] = "noise"
    card: ClassVar[Card] = Card(
        title="Gaussian noise", source="He et al., 2018", needs=("labels",), cost="one random draw"
    )
    sigma: float = 0.1

    def __post_init__(self) -> None:
        if not (self.sigma > 0 and math.isfinite(self.sigma)):
            raise ValueError(f"sigma must be positive and finite, got {self.sigma}")

    def change(self, images: Images, seed: int) -> Images:
        """Return the images with noise."""
        noise = torch.randn(images.shape, generator=stream(seed, "noise"))
        return (images + self.sigma * noise).clamp(0, 1)
