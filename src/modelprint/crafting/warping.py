"""Warp images by a map of the plane: each pixel is fetched from another position."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float64
from torch import Tensor

from modelprint.tensors import Images

Plane = Float64[Tensor, "h w"]


def warp(images: Images, fetch: Callable[[Plane, Plane], tuple[Plane, Plane]]) -> Images:
    """Return `images` with each pixel fetched from another position, bilinearly; outside the image is black.

    Args:
        images: In [0, 1].
        fetch: Maps where a pixel is to where its value is found, both as x (rightwards) and y (downwards) with the
            centre of the image at 0 and half its longer side at 1.
    """
    height, width = images.shape[2:]
    half = torch.tensor([width, height], dtype=torch.float64) / max(width, height)
    # Pixel centres are half a pixel inside the edges. In float64, so that a quarter turn hits them to 1e-16.
    rows, columns = (((torch.arange(size, dtype=torch.float64) + 0.5) / size * 2 - 1) for size in (height, width))
    y, x = torch.meshgrid(rows * half[1], columns * half[0], indexing="ij")
    grid = torch.stack(fetch(x, y), dim=-1) / half
    fetched: Images = F.grid_sample(images.double(), grid.expand(len(images), -1, -1, -1), align_corners=False)
    return fetched.clamp(0, 1).to(images.dtype)
