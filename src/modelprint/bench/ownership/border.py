"""Border points: images on a boundary of the victim, and how sure of their label other models are there.

Source: Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial Perturbations", CVPR
2022, https://arxiv.org/abs/2202.08602, supplement A and figure A: between an image of one class and one of another lies
a point at which the two largest probabilities differ by less than 1e-6. A model that was extracted has them far apart
there, since its boundary runs elsewhere.

Departures: none. Halving is in float64, in which the gap does become that small; the points are not rounded.
"""

import torch
from jaxtyping import Float64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.errors import CraftingError
from modelprint.streams import stream
from modelprint.tensors import to_images

BORDER = 1e-6
"""Largest gap of the two largest probabilities at a border point."""
HALVINGS = 60
"""More would not move a point in float64."""

Points = Float64[Tensor, "n c h w"]
"""In [0, 1], between images."""


def border_points(victim: Classifier, images: LabelledImages, count: int, seed: int) -> Points:
    """Return points between random images to which `victim` gives different labels; at most `count`.

    Args:
        victim: The model whose boundary they lie on.
        images: Whose pairs have a boundary between them.
        count: Pairs to draw; a pair that the victim gives one label is drawn again.
        seed: Which.

    Raises:
        CraftingError: No pair has different labels, or none ends at a gap below BORDER.
    """
    exact, rng = victim.double(), stream(seed, "border")
    drawn = min(len(images), 4 * count)
    first, second = (
        to_images(images.pixels[torch.randperm(len(images), generator=rng)[:drawn].numpy()]).double() for _ in range(2)
    )
    homes = exact.labels(first)
    rows = (homes != exact.labels(second)).nonzero().flatten()[:count]
    if not len(rows):
        raise CraftingError(f"all {drawn} pairs of images get one label each; there is no boundary between them")
    inside, outside, homes = first[rows], second[rows], homes[rows]
    low, high = torch.zeros(len(rows), 1, 1, 1).double(), torch.ones(len(rows), 1, 1, 1).double()
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        stayed = (exact.labels(inside + middle * (outside - inside)) == homes)[:, None, None, None]
        low, high = torch.where(stayed, middle, low), torch.where(stayed, high, middle)
    points = inside + low * (outside - inside)
    points = points[gaps_at(exact, points) < BORDER]
    if not len(points):
        raise CraftingError(f"none of {len(rows)} points has its two largest probabilities within {BORDER:g}")
    return points


def gaps_at(model: Classifier, points: Points) -> Float64[Tensor, " n"]:
    """Return the largest minus the second largest probability at each point.

    A network without weights of its own, such as an exported one, answers in its own precision.
    """
    known = any(p.is_floating_point() for p in model.network.parameters())
    top = (model.double() if known else model).logits(points).double().softmax(1).topk(2, dim=1).values
    return top[:, 0] - top[:, 1]
