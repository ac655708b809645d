"""Bags: how the SSF paper selects its samples, for whom a pool is many times larger than what one check asks.

Source: Z. He, T. Zhang and R. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019: a bag of 100
samples is drawn at random from all that were made, the samples of the bag are chosen by the units they activate, and
this is repeated.

Departures: 100 bags where the paper takes 10,000 (its code 1000); they are drawn once per fingerprint and shared by all
suspects, so that suspects are compared with each other. An order is written as a text, since a list of lists makes a
file that nobody can read.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool

from modelprint.bench.plan import Bags
from modelprint.classifier import Classifier
from modelprint.crafting.selection import find_active_units, manc_order
from modelprint.errors import BenchError, CraftingError
from modelprint.streams import stream
from modelprint.tensors import Images

FARTHEST = 20
"""Samples of a bag that are put in order; tables ask for fewer."""


def bag_orders(model: Classifier, images: Images, bags: Bags, seed: int) -> list[str]:
    """Return which samples of each bag are asked first; none for a network without rectified units.

    Args:
        model: Whose units count.
        images: The pool.
        bags: How many bags of which size; one that is larger than the pool is the pool.
        seed: Of the draws.
    """
    try:
        active = find_active_units(model, images, "all")
    except CraftingError:
        return []
    rng, size = stream(seed, "bags"), min(bags.size, len(images))
    orders = []
    for _ in range(bags.draws):
        bag = torch.randperm(len(images), generator=rng)[:size]
        chosen = manc_order(active[bag], min(FARTHEST, size))
        orders.append(" ".join(str(int(bag[place])) for place in chosen))
    return orders


def seen_by_bags(mismatched: Bool[np.ndarray, "models samples"], orders: Sequence[str], n: int) -> np.ndarray | None:
    """Return which suspects (rows) the first `n` samples of each bag (columns) see; None when a bag has fewer.

    Raises:
        BenchError: An order speaks of samples that there are not.
    """
    samples = mismatched.shape[1]
    asked = [[int(place) for place in order.split()][:n] for order in orders]
    if any(not 0 <= place < samples for places in asked for place in places):
        raise BenchError(f"a bag holds none of {samples} samples; start the run anew")
    if not asked or any(len(places) < n for places in asked):
        return None
    return np.stack([mismatched[:, places].any(1) for places in asked], axis=1)
