"""The joint test: its bound holds under the null that was measured, and it sees what no single score shows."""

import math

import numpy as np
import pytest

from modelprint.scores.joint import compare_jointly, null_mean


def test_the_bound_of_a_constant_null_is_that_constant() -> None:
    """Every sample at half a floor: no mean of squares is above a quarter, and three times as noisy is honest."""
    found = compare_jointly([0.25] * 5, [0.25] * 20, alpha=1e-3, multiple=3.0)

    assert found is not None
    assert (found.root, found.bound, found.count) == (pytest.approx(0.5), pytest.approx(1.5), 5)
    assert not found.exceeded


def test_one_sample_is_compared_with_the_largest_of_the_null() -> None:
    """Of 0 and 1 the one is drawn more often than once in a thousand times."""
    assert null_mean((0.0, 1.0), 1, 1e-3) == 1.0


def test_more_samples_lower_the_bound() -> None:
    """The mean of n draws of 0 or 1 lies below 1/2 + 3.3 standard deviations, which are 1 / (2 sqrt(n))."""
    for count in (16, 64, 256):
        assert null_mean((0.0, 1.0), count, 1e-3) == pytest.approx(0.5 + 3.1 / (2 * math.sqrt(count)), abs=0.06)


def test_a_change_below_one_floor_is_seen() -> None:
    """Every sample off by nine tenths of a floor, where serving comes to a tenth."""
    rng = np.random.default_rng(1)
    null = tuple((0.1 * rng.normal(size=50)) ** 2)

    found = compare_jointly([0.81] * 30, null, alpha=1e-3, multiple=3.0)

    assert found is not None
    assert found.exceeded


def test_honest_serving_exceeds_the_bound_with_probability_alpha_at_most() -> None:
    """2,000 runs of 30 samples with the noise that was measured, without the safety factor: 1 % of them, or less."""
    rng = np.random.default_rng(4)
    null = tuple(rng.exponential(size=50).tolist())
    exceeded = 0
    for _ in range(2000):
        found = compare_jointly(rng.choice(null, 30).tolist(), null, alpha=1e-2, multiple=1.0)
        assert found is not None
        exceeded += found.exceeded

    assert exceeded <= 2000 * 1e-2 + 3 * math.sqrt(2000 * 1e-2)


def test_without_a_null_there_is_no_test() -> None:
    """As in a file whose noise was not measured."""
    assert compare_jointly([1.0], [], alpha=1e-3, multiple=3.0) is None
    assert compare_jointly([], [1.0], alpha=1e-3, multiple=3.0) is None
