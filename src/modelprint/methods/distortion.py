"""Natural images with the distortion of a lens: a transform instead of a search.

Source: Z. He, T. Zhang and R. Lee, "VerIDeep: Verifying Integrity of Deep Neural Networks through Sensitive-Sample
Fingerprinting", https://arxiv.org/abs/1808.03277, section VII-A: other image transforms (Figs. 15 and 16).

Departures: the text says that images are distorted and not how. We took the radial distortion of a lens, in which a
point at distance r from the centre is taken from r (1 + strength r^2): the simplest distortion that is not a rotation.
Values between pixels are bilinear; what lies outside the image is black.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from modelprint.crafting.warping import Plane, warp
from modelprint.methods.method import Card
from modelprint.methods.transform import Transform
from modelprint.tensors import Images


@dataclass(frozen=True, kw_only=True)
class Distortion(Transform):
    """Distort each source as a lens does.

    Attributes:
        strength: At the middle of the longer side a pixel comes from (1 + strength) times as far out: a barrel when
            positive, a pincushion when negative; above -1/6, below which the corners of a square fold over.
    """

    name: ClassVar[str] = "distortion"
    card: ClassVar[Card] = Card(
        title="Lens distortion", source="He et al., 2018", needs=("labels",), cost="one resampling"
    )
    strength: float = 0.3

    def __post_init__(self) -> None:
        if not math.isfinite(self.strength) or self.strength <= -1 / 6 or self.strength == 0:
            raise ValueError(f"strength must be finite, above -1/6 and not 0, got {self.strength}")

    def change(self, images: Images, seed: int) -> Images:
        """Return the images, distorted."""
        return warp(images, self.fetch)

    def fetch(self, x: Plane, y: Plane) -> tuple[Plane, Plane]:
        """Return where the pixels at x, y come from."""
        stretch = 1 + self.strength * (x**2 + y**2)
        return x * stretch, y * stretch
