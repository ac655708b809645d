"""Natural images rotated by an angle: a transform instead of a search.

Source: Z. He, T. Zhang and R. Lee, "VerIDeep: Verifying Integrity of Deep Neural Networks through Sensitive-Sample
Fingerprinting", https://arxiv.org/abs/1808.03277, section VII-A: other image transforms (Figs. 15 and 16).

Departures: the text names rotation without an angle. Here all images rotate by the same angle about their centre,
values between pixels are bilinear, and what lies outside the image is black.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from modelprint.crafting.warping import Plane, warp
from modelprint.methods.method import Card
from modelprint.methods.transform import Transform
from modelprint.tensors import Images


@dataclass(frozen=True, kw_only=True)
class Rotation(Transform):
    """Rotate each source.

    Attributes:
        angle: Degrees, counter-clockwise; not a multiple of 360.
    """

    name: ClassVar[str] = "rotation"
    card: ClassVar[Card] = Card(title="Rotation", source="He et al., 2018", needs=("labels",), cost="one resampling")
    angle: float = 15.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.angle) or self.angle % 360 == 0:
            raise ValueError(f"angle must be finite and no multiple of 360, which turns nothing, got {self.angle}")

    def change(self, images: Images, seed: int) -> Images:
        """Return the images, rotated."""
        return warp(images, self.fetch)

    def fetch(self, x: Plane, y: Plane) -> tuple[Plane, Plane]:
        """Return where the pixels at x, y come from: their position rotated backwards."""
        # y points downwards, so this turns clockwise on the screen.
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return cosine * x - sine * y, sine * x + cosine * y
