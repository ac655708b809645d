"""Clopper-Pearson bounds: numbers known from tables, and the tails that define them."""

import pytest
from scipy.stats import binom

from modelprint.intervals import exact_interval, upper_bound


@pytest.mark.parametrize(
    ("count", "trials", "bound"),
    [
        (0, 1000, 1 - 0.05 ** (1 / 1000)),  # the rule of three: 0.0030
        (0, 1, 0.95),
        (1, 10, 0.3942),  # tables of Clopper and Pearson
        (5, 100, 0.1023),
        (5, 5, 1.0),
        (0, 0, 1.0),
    ],
)
def test_bounds_known_from_tables(count: int, trials: int, bound: float) -> None:
    """One-sided, 95 %."""
    assert upper_bound(count, trials) == pytest.approx(bound, abs=5e-5)


def test_the_rule_of_three() -> None:
    """None of 20 seen: (0, 1 - 0.025^(1/20)); all of 20: the mirror image; none of none: anything."""
    low, high = exact_interval(0, 20)

    assert (low, high) == (0, pytest.approx(1 - 0.025 ** (1 / 20)))
    assert exact_interval(20, 20) == (pytest.approx(1 - high), 1)
    assert exact_interval(0, 0) == (0, 1)


@pytest.mark.parametrize("count", [1, 7, 19])
def test_the_ends_of_the_interval_are_where_the_tails_are(count: int) -> None:
    """At the lower end as many or more are seen with probability 2.5 %, at the upper one as many or fewer."""
    low, high = exact_interval(count, 20)

    assert binom.sf(count - 1, 20, low) == pytest.approx(0.025)
    assert binom.cdf(count, 20, high) == pytest.approx(0.025)


def test_impossible_counts_and_levels_are_refused() -> None:
    """More seen than tried, less than nothing, and a level that is no probability."""
    with pytest.raises(ValueError, match="count is 0 to 3, the number of trials, got 4"):
        upper_bound(4, 3)
    with pytest.raises(ValueError, match="got -1"):
        upper_bound(-1, 3)
    with pytest.raises(ValueError, match=r"level is a probability between 0 and 1, got 95\.0"):
        upper_bound(1, 2, 95.0)
