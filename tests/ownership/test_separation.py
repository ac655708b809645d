"""The area under the curve by counting pairs, and an interval that holds for any distribution."""

import math

import numpy as np
import pytest

from modelprint.intervals import exact_interval
from modelprint.ownership import Separation
from modelprint.ownership.separation import area_interval


def test_the_area_counts_pairs() -> None:
    """Copies 0.9 and 0.5, others 0.6, 0.5: 0.9 beats both, 0.5 loses one and ties one: 2.5 of 4."""
    found = Separation(copies=(0.9, 0.5), others=(0.6, 0.5))

    assert found.auc == 0.625
    assert found.gap == pytest.approx(0.15)
    assert found.margin == pytest.approx(-0.1)
    assert "AUC 0.625" in found.summary()
    assert "0.700 and 0.550 (2 copies and 2 others)" in found.summary()


def test_ten_models_that_are_all_told_apart_do_not_make_it_sure() -> None:
    """The interval starts where ten of ten would: at 0.025 to the power of a tenth."""
    found = Separation(copies=tuple(0.9 for _ in range(10)), others=tuple(0.1 for _ in range(12)))

    assert found.auc == 1
    assert found.interval == pytest.approx(exact_interval(10, 10))
    assert found.interval[0] == pytest.approx(0.025**0.1)


def test_the_interval_solves_its_equation() -> None:
    """At both ends the divergence times the pairs is the logarithm of 2 / 0.05; it is symmetric, and narrows."""
    low, high = area_interval(0.8, 20)

    for end in (low, high):
        divergence = 0.8 * math.log(0.8 / end) + 0.2 * math.log(0.2 / (1 - end))
        assert 20 * divergence == pytest.approx(math.log(40))
    assert area_interval(0.2, 20) == pytest.approx((1 - high, 1 - low))
    assert area_interval(0.0, 10) == pytest.approx((0, 1 - 0.025**0.1))
    assert area_interval(0.8, 80)[0] > low


def test_the_interval_covers_the_truth() -> None:
    """Normal similarities one spread apart: the true area is 0.76, and it is missed less often than stated."""
    rng, truth, covered = np.random.default_rng(0), 0.7602, 0
    for _ in range(200):
        copies, others = rng.normal(0.1, 0.1, 8).clip(-1, 1), rng.normal(0, 0.1, 8).clip(-1, 1)
        low, high = Separation(copies=tuple(copies.tolist()), others=tuple(others.tolist())).interval
        covered += low <= truth <= high

    assert covered >= 190


def test_what_are_no_similarities_is_refused() -> None:
    """No model, a number that no cosine has, one that is none."""
    with pytest.raises(ValueError, match="there are no similarities of copies"):
        Separation(copies=(), others=(0.5,))
    with pytest.raises(ValueError, match="cosines, -1 to 1, got 2 for others"):
        Separation(copies=(0.5,), others=(2.0,))
    with pytest.raises(ValueError, match="got nan for copies"):
        Separation(copies=(math.nan,), others=(0.5,))
    with pytest.raises(ValueError, match="an area is 0 to 1"):
        area_interval(1.5, 3)
    with pytest.raises(ValueError, match="level is a probability"):
        area_interval(0.5, 3, 1.0)


def test_an_area_next_to_one_has_an_interval() -> None:
    """One pair in 400 the wrong way round: with few models nothing short of 1 can be excluded above."""
    low, high = area_interval(0.9975, 14)

    assert 0.75 < low < 0.8
    assert high == 1
    assert area_interval(0.0025, 14) == pytest.approx((0, 1 - low), abs=1e-9)
