"""Whether an image looks natural: it is no farther from natural images of its class than these are from each other.

Source: the acceptance rule of the working repository of S. Wang et al., "PublicCheck", IEEE S&P 2023.

Departures: the source measures LPIPS, a learned distance of features of AlexNet. Its weights are not part of this
project, so the caller provides features, which are compared as in LPIPS.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Float
from torch import Tensor

Features = Float[Tensor, "n ..."]
"""Channels on the second axis, positions in the image on the others."""


def is_natural(samples: Features, natural: Float[Tensor, "references ..."]) -> Bool[Tensor, " n"]:
    """Accept samples whose largest and mean distance to natural images are below those between natural images.

    Args:
        samples: Features of the images to judge.
        natural: Features of natural images of one class; with fewer than two, nothing is accepted.
    """
    between = distances(natural, natural)[torch.ones(len(natural), len(natural)).triu(1).bool()]
    if not len(between):
        return torch.zeros(len(samples), dtype=torch.bool)
    to_samples = distances(samples, natural)
    return (to_samples.amax(1) < between.max()) & (to_samples.mean(1) < between.mean())


def distances(first: Features, second: Float[Tensor, "m ..."]) -> Float[Tensor, "n m"]:
    """Return squared distances of features, scaled to unit length at each position and averaged over positions."""
    ours, theirs = _flatten(first), _flatten(second)
    return torch.cdist(ours, theirs, compute_mode="donot_use_mm_for_euclid_dist").square()


def _flatten(features: Features) -> Float[Tensor, "n values"]:
    places = math.prod(features.shape[2:])
    flat: Tensor = F.normalize(features.double(), dim=1).flatten(1) / math.sqrt(places)
    return flat
