"""Random subsets: how the SSF paper selects its samples, where many times more were made than one check asks about.

Source: Z. He, T. Zhang and R. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019: a "bag"
of 100 samples is drawn at random from all that were made, its samples are chosen by the units they activate, and this
is repeated.

Departures: 100 subsets where the paper takes 10,000 (its code 1000); they are drawn once per fingerprint and shared by
all suspects, so that suspects are compared with each other. An order is written as text, which is easier to read in a
file than a list of lists.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool

from modelprint.bench.detection.plan import RandomSubsets
from modelprint.classifier import Classifier
from modelprint.crafting.selection import find_active_units, manc_order
from modelprint.errors import BenchError, CraftingError
from modelprint.streams import stream
from modelprint.tensors import Images

FARTHEST = 20
"""Samples of a subset that are put in order; tables ask for fewer."""

STREAM = "bags"
"""Name of the random stream; with another name other subsets would be drawn."""


def draw_subsets(model: Classifier, images: Images, subsets: RandomSubsets, seed: int) -> list[str]:
    """Return which samples of each random subset are asked first; none for a network without rectified units.

    Args:
        model: Whose units count.
        images: All samples.
        subsets: How many subsets of which size; each is all samples where there are not so many.
        seed: Of the draws.
    """
    try:
        active = find_active_units(model, images, "all")
    except CraftingError:
        return []
    rng, size = stream(seed, STREAM), min(subsets.size, len(images))
    orders = []
    for _ in range(subsets.draws):
        subset = torch.randperm(len(images), generator=rng)[:size]
        chosen = manc_order(active[subset], min(FARTHEST, size))
        orders.append(" ".join(str(int(subset[place])) for place in chosen))
    return orders


def seen_by_subsets(mismatched: Bool[np.ndarray, "models samples"], orders: Sequence[str], n: int) -> np.ndarray | None:
    """Return which suspects (rows) the first `n` samples of each random subset (columns) see; None when one has fewer.

    Raises:
        BenchError: An order names samples that there are not.
    """
    samples = mismatched.shape[1]
    asked = [[int(place) for place in order.split()][:n] for order in orders]
    if any(not 0 <= place < samples for places in asked for place in places):
        raise BenchError(f"a random subset holds none of {samples} samples; start the run again in an empty folder")
    if not asked or any(len(places) < n for places in asked):
        return None
    return np.stack([mismatched[:, places].any(1) for places in asked], axis=1)
