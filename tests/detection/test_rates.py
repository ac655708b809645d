"""Detection rates are exact; intervals resample models and samples."""

from itertools import combinations

import numpy as np
import pytest

from modelprint.detection import bootstrap_interval, detection_rate


@pytest.mark.parametrize("samples", range(1, 8))
def test_the_rate_is_the_share_of_draws_that_show_a_mismatch(samples: int) -> None:
    """Counting all draws of every size for every number of mismatches gives the same numbers."""
    for mismatches in range(samples + 1):
        for queries in range(samples + 1):
            draws = list(combinations(range(samples), queries))
            seen = sum(any(index < mismatches for index in draw) for draw in draws)

            rate = detection_rate(mismatches, samples, queries)

            assert rate == seen / len(draws)


@pytest.mark.parametrize(
    ("mismatches", "samples", "queries", "rate"),
    [
        (0, 100, 10, 0.0),
        (37, 100, 1, 0.37),
        (1, 100, 5, 0.05),
        (100, 100, 1, 1.0),
        (96, 100, 5, 1.0),  # only four samples match, so five draws cannot all
        (1, 10_000, 1, 1e-4),
        (2, 4, 2, 5 / 6),
    ],
)
def test_rates_known_by_hand(mismatches: int, samples: int, queries: int, rate: float) -> None:
    """Exact to the last bit, also where floats would cancel."""
    assert detection_rate(mismatches, samples, queries) == rate


@pytest.mark.parametrize(("mismatches", "queries"), [(-1, 1), (11, 1), (1, 11), (1, -1)])
def test_numbers_that_cannot_be_are_refused(mismatches: int, queries: int) -> None:
    """There are neither more mismatches nor more queries than samples, nor fewer than none."""
    with pytest.raises(ValueError, match="0 to 10, the number of samples"):
        detection_rate(mismatches, 10, queries)


def test_the_interval_repeats_and_holds_the_mean() -> None:
    """The same seed gives the same ends; they lie on either side of the mean."""
    table = np.random.default_rng(0).random((5, 40)) < 0.3

    low, high = bootstrap_interval(table, seed=4)

    assert (low, high) == bootstrap_interval(table, seed=4)
    assert low < table.mean() < high


def test_the_interval_of_one_model_is_that_of_its_samples() -> None:
    """With one row only samples are drawn: about 0.5 give or take two standard errors of 0.05."""
    table = np.arange(100)[None] % 2 == 0

    low, high = bootstrap_interval(table, draws=20_000)

    assert (low, high) == pytest.approx((0.4, 0.6), abs=0.015)


def test_models_that_disagree_widen_the_interval() -> None:
    """Half the models see all, half see nothing: no number of samples makes that certain."""
    table = np.repeat([[True], [False]], 2, axis=0).repeat(1000, axis=1)

    low, high = bootstrap_interval(table)

    assert (low, high) == (0.0, 1.0)


def test_an_empty_table_has_no_interval() -> None:
    """The message has the shape."""
    with pytest.raises(ValueError, match=r"got shape \(0, 5\)"):
        bootstrap_interval(np.zeros((0, 5)))
