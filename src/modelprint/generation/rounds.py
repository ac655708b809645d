"""Rounds of crafting, as generation and sealing from labels both have them: how many more, and what is new in them."""

import math

import numpy as np
from jaxtyping import Bool

from modelprint.pixels import Pixels

ROUNDS = 4
"""How often we craft what is still missing."""

RESERVE = 1.25
"""How many more than are missing are crafted in a later round, counting on the yield so far."""

FLIP_RATE = 1e-4
"""Probability p0 that honest serving flips the label of a steady sample all the same."""


def wanted_again(count: int, kept: int, crafted: int, left: int) -> int:
    """Return how many samples to craft after `kept` of those `crafted` so far, when so many sources are left."""
    # A yield that is very low says that more of the same will not help; count on one half at least.
    share = max(kept / crafted, 0.5)
    return min(math.ceil(RESERVE * max(count - kept, 0) / share), left)


def unseen(pixels: Pixels, seen: set[bytes]) -> Bool[np.ndarray, " n"]:
    """Return which images are new, and remember them."""
    fresh = np.zeros(len(pixels), dtype=bool)
    for index, image in enumerate(pixels):
        content = image.tobytes()
        fresh[index] = content not in seen
        seen.add(content)
    return fresh
