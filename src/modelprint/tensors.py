"""Tensor types with shapes, and conversion to and from eight bits."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from modelprint.pixels import Pixels

Images = Float[Tensor, "n c h w"]
"""Images in [0, 1], channels first."""
Labels = Int64[Tensor, " n"]
"""Class indices."""
Logits = Float[Tensor, "n classes"]
"""Unnormalised scores."""
Labeller = Callable[[Pixels], Labels]
"""Returns the class of each eight-bit image: a classifier, or an endpoint that answers labels only."""

GREY_LEVELS = 255


def to_images(pixels: Pixels, dtype: torch.dtype = torch.float32) -> Images:
    """Return eight-bit pixels as images in [0, 1]; exactly level / 255 in `dtype`."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(dtype) / GREY_LEVELS


def to_pixels(images: Images) -> Pixels:
    """Round images in [0, 1] to the nearest of 256 grey levels; values outside are clipped."""
    levels = (images.detach().double() * GREY_LEVELS).round().clamp(0, GREY_LEVELS)
    return levels.to(torch.uint8).cpu().numpy()
