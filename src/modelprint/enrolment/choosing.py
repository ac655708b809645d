"""Choosing samples: the highest local flip rate first, and every class expected about equally often."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from modelprint.enrolment.walking import Spot

SLACK = 1.25
"""How many times its even share a class may have before the other classes are exhausted."""


def choose_spots(spots: Sequence[Spot], count: int, class_count: int) -> list[Spot]:
    """Return up to `count` spots, at most one of each sample, in an order that takes the classes in turn.

    The highest local flip rates are chosen first. A class gets at most its even share and a quarter more; that limit
    rises only when there are too few spots without it.

    Args:
        spots: To choose from; equal flip rates keep their order.
        count: How many.
        class_count: Number of classes.
    """
    ranked = sorted(spots, key=lambda spot: -(spot.flip_rate or 0.0))
    chosen: list[Spot] = []
    used: set[int] = set()
    of_class: Counter[int] = Counter()
    limit = math.ceil(SLACK * count / class_count)
    while len(chosen) < count and any(spot.origin not in used for spot in ranked):
        for spot in ranked:
            if len(chosen) < count and spot.origin not in used and of_class[spot.label] < limit:
                chosen.append(spot)
                used.add(spot.origin)
                of_class[spot.label] += 1
        limit += 1
    return _take_turns(chosen)


def _take_turns(spots: Sequence[Spot]) -> list[Spot]:
    """Return the spots so that every part from the beginning has the classes about equally often."""
    ranked = sorted(spots, key=lambda spot: -(spot.flip_rate or 0.0))
    places: defaultdict[int, int] = defaultdict(int)
    keys = []
    for rank, spot in enumerate(ranked):
        keys.append((places[spot.label], rank))
        places[spot.label] += 1
    return [ranked[rank] for _, rank in sorted(keys)]
