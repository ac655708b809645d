"""Projection onto the L2 ball around the source and the pixel range."""

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.tensors import Images


def clip(images: Images, sources: Images, radius: float | Float[Tensor, " n"]) -> Images:
    """Return `images` moved into the L2 ball of `radius` around `sources` and into [0, 1] (Clip_eps of MiSentry Eq. 6).

    A radius may be given for each image.

    The ball comes first, then the range: clamping to a range that contains the source never moves a point away from it,
    so both hold afterwards.
    """
    shift = images - sources
    length = shift.flatten(1).norm(dim=1).clamp_min(1e-12)
    shrink = (radius / length).clamp_max(1)[:, None, None, None]
    inside: Images = (sources + shift * shrink).clamp(0, 1)
    return inside


def scale_to_unit(gradients: Images) -> Images:
    """Return `gradients` scaled to L2 length one, image by image; a vanished gradient stays zero."""
    length = gradients.flatten(1).norm(dim=1)[:, None, None, None]
    return torch.where(length > 0, gradients / length.clamp_min(1e-30), torch.zeros_like(gradients))
