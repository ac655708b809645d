"""Whether an image could pass for one of its class: it lies no further from natural images than these among themselves.

Source: the acceptance rule of the working repository of S. Wang et al., "PublicCheck", IEEE S&P 2023.

Departures: the source measures LPIPS, a learned distance of features of AlexNet. Its weights are no part of this
project, so the caller brings features of its own, which are compared in the way of LPIPS.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Float
from torch import Tensor

Features = Float[Tensor, "n ..."]
"""Channels in the second place; what follows are places in the image."""


def passes(samples: Features, natural: Float[Tensor, "references ..."]) -> Bool[Tensor, " n"]:
    """Accept samples whose largest and mean distance to natural images are below those between natural images.

    Args:
        samples: Features of what is judged.
        natural: Features of natural images of one class; with fewer than two, nothing can be judged and nothing passes.
    """
    between = distances(natural, natural)[torch.ones(len(natural), len(natural)).triu(1).bool()]
    if not len(between):
        return torch.zeros(len(samples), dtype=torch.bool)
    to_samples = distances(samples, natural)
    return (to_samples.amax(1) < between.max()) & (to_samples.mean(1) < between.mean())


def distances(first: Features, second: Float[Tensor, "m ..."]) -> Float[Tensor, "n m"]:
    """Return squared distances of features, brought to unit length at each place and averaged over places."""
    ours, theirs = _flat(first), _flat(second)
    return torch.cdist(ours, theirs, compute_mode="donot_use_mm_for_euclid_dist").square()


def _flat(features: Features) -> Float[Tensor, "n values"]:
    places = math.prod(features.shape[2:])
    flat: Tensor = F.normalize(features.double(), dim=1).flatten(1) / math.sqrt(places)
    return flat
