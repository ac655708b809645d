"""The discrete cosine transform of images, and a filter that removes their low frequencies.

The orthonormal DCT-II along rows and columns, each channel on its own. As two matrix products it runs on any device, in
any floating-point type and with gradients, and its inverse is its transpose.
"""

import math
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from modelprint.tensors import Images


def dct(images: Images) -> Images:
    """Return the orthonormal DCT-II of each channel; entry (i, j) is the frequency i along rows and j along columns."""
    rows, columns = _bases(images)
    coefficients: Images = rows @ images @ columns.T
    return coefficients


def inverse_dct(coefficients: Images) -> Images:
    """Return the images whose `dct` is `coefficients`."""
    rows, columns = _bases(coefficients)
    images: Images = rows.T @ coefficients @ columns
    return images


def high_pass_mask(height: int, width: int, band: int) -> Bool[Tensor, "h w"]:
    """Return which frequencies (i, j) pass: all but those with 1 <= i + j <= band; the mean, at (0, 0), stays."""
    total = torch.arange(height)[:, None] + torch.arange(width)[None, :]
    return (total < 1) | (total > band)


def high_pass(images: Images, band: int) -> Images:
    """Return `images` without their frequencies 1 <= i + j <= `band`; they may leave [0, 1]."""
    return inverse_dct(dct(images) * high_pass_mask(images.shape[2], images.shape[3], band).to(images.device))


def _bases(images: Images) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
    rows, columns = (_basis(size, images.dtype, images.device) for size in images.shape[2:])
    return rows, columns


@lru_cache(maxsize=16)
def _basis(size: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "size size"]:
    """Return the matrix whose row i is the cosine of frequency i, of length one; computed in float64."""
    frequency, place = torch.arange(size).double()[:, None], torch.arange(size).double()[None, :]
    cosines = torch.cos(math.pi * (2 * place + 1) * frequency / (2 * size)) * math.sqrt(2 / size)
    cosines[0] /= math.sqrt(2)
    return cosines.to(device=device, dtype=dtype)
