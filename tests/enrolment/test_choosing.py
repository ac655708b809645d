"""Choosing samples by flip rate, with every class about equally often."""

from collections import Counter

import numpy as np

from modelprint.enrolment.choosing import choose_spots
from modelprint.enrolment.walking import Spot


def spot(origin: int, label: int, flips: int) -> Spot:
    """Return a spot of which `flips` of 16 neighbours have another label."""
    return Spot(origin=origin, pixels=np.zeros((1, 1, 1), dtype=np.uint8), label=label, flips=flips, neighbours=16)


def test_the_highest_flip_rates_are_chosen() -> None:
    """One spot of each sample."""
    spots = [spot(0, 0, 3), spot(0, 1, 9), spot(1, 0, 5), spot(2, 1, 1)]

    chosen = choose_spots(spots, 2, 2)

    assert {(one.origin, one.label) for one in chosen} == {(0, 1), (1, 0)}


def test_no_class_takes_all_places() -> None:
    """Class 0 has all the best spots, and gets its share and a quarter more."""
    spots = [spot(index, 0, 16) for index in range(20)] + [spot(20 + index, 1, 2) for index in range(20)]

    chosen = choose_spots(spots, 8, 2)

    assert Counter(one.label for one in chosen) == {0: 5, 1: 3}
    assert [one.label for one in chosen][:6] == [0, 1, 0, 1, 0, 1]


def test_a_class_gives_way_when_there_is_nothing_else() -> None:
    """Rather too many of one class than too few samples; and no more than there are."""
    spots = [spot(index, 0, 16 - index) for index in range(10)]

    assert [one.origin for one in choose_spots(spots, 8, 4)] == list(range(8))
    assert len(choose_spots(spots, 50, 4)) == 10
