"""Rates are exact, intervals are bootstraps over models and samples, and bounds are those of the textbook."""

from itertools import permutations

import numpy as np
import pytest

from modelprint.bench.detection.rates import ceiling, detection, interval
from modelprint.detection import bootstrap_interval, detection_rate


def table(*rows: str) -> np.ndarray:
    """Return a table of mismatches from rows of digits."""
    return np.array([[bit == "1" for bit in row] for row in rows])


def random_table(models: int, samples: int, share: float = 0.3) -> np.ndarray:
    """Return a table in which models differ in how often they are seen."""
    rng = np.random.default_rng(0)
    return rng.random((models, samples)) < rng.uniform(0, 2 * share, (models, 1))


def test_the_rate_is_the_mean_of_the_exact_rates() -> None:
    """Two models with one and two mismatches of four: (1/2 + 5/6) / 2 with two samples."""
    assert detection(table("1000", "0110"), 2) == pytest.approx((1 / 2 + 5 / 6) / 2)


def test_the_first_samples_of_an_order_see_what_they_see() -> None:
    """Nothing is drawn: with two samples the second model is seen, with one neither is."""
    mismatched = table("0001", "0110")

    assert [detection(mismatched, n, ordered=True) for n in (1, 2, 3, 4)] == [0.0, 0.5, 0.5, 1.0]


def test_the_mean_over_all_orders_is_the_rate_of_random_drawing() -> None:
    """Drawing without replacement is asking the first samples of a random order."""
    mismatched = table("00101", "10000", "00000")

    orders = [mismatched[:, list(order)] for order in permutations(range(5))]

    for n in range(6):
        mean = np.mean([detection(order, n, ordered=True) for order in orders])
        assert detection(mismatched, n) == pytest.approx(mean)


def test_without_models_or_enough_samples_there_is_no_rate() -> None:
    """None, which the tables print as a dash."""
    assert detection(np.zeros((0, 5), dtype=bool), 1) is None
    assert detection(table("101"), 4) is None
    assert detection(table("101"), 4, ordered=True) is None
    assert detection(table("101"), 3) == 1.0


def test_one_sample_has_the_interval_of_the_mean() -> None:
    """The same draws as everywhere else in the package."""
    mismatched = random_table(10, 100)

    assert interval(mismatched, 1, repetitions=200, seed=3) == bootstrap_interval(mismatched, seed=3, draws=200)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("n", [2, 5, 20])
def test_intervals_agree_with_resampling_done_the_long_way(n: int, ordered: bool) -> None:
    """Rows and columns drawn one by one give the same quantiles, within the error of the resampling."""
    mismatched = random_table(6, 30, 0.1)
    rng = np.random.default_rng(1)
    means = []
    for _ in range(1500):
        columns = np.sort(rng.integers(30, size=30))
        drawn = mismatched[rng.integers(6, size=6)]
        if ordered:
            means.append(drawn[:, np.unique(columns)[:n]].any(1).mean())
        else:
            counts = drawn[:, columns].sum(1)
            means.append(np.mean([detection_rate(int(count), 30, n) for count in counts]))

    found = interval(mismatched, n, ordered=ordered, repetitions=1500)

    assert found == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.06)


def test_the_interval_of_one_model_is_that_of_its_samples() -> None:
    """Drawing models anew changes nothing, and the interval still holds the rate."""
    mismatched = table("1" * 20 + "0" * 80)

    low, high = interval(mismatched, 5)

    assert 0 < low < detection(mismatched, 5) < high < 1
    low, high = interval(mismatched, 1)
    assert (low, high) == pytest.approx((0.12, 0.28), abs=0.011)  # 0.2 +- 1.96 * sqrt(0.2 * 0.8 / 100)


def test_more_models_and_more_samples_narrow_the_interval() -> None:
    """Both are drawn anew."""
    wide = interval(random_table(4, 40), 5)
    models = interval(random_table(40, 40), 5)
    samples = interval(np.repeat(random_table(4, 40), 5, axis=1), 1)

    assert models[1] - models[0] < wide[1] - wide[0]
    assert samples[1] - samples[0] < np.diff(interval(random_table(4, 40), 1))[0]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(("bit", "rate"), [("0", 0.0), ("1", 1.0)])
def test_certainty_has_no_width(bit: str, rate: float, ordered: bool) -> None:
    """Where all agree there is nothing to resample."""
    assert interval(table(bit * 10, bit * 10), 5, ordered=ordered, repetitions=50) == (rate, rate)


def test_intervals_are_repeatable() -> None:
    """The same seed gives the same interval, another one another."""
    mismatched = random_table(5, 50)

    assert interval(mismatched, 5, seed=1) == interval(mismatched, 5, seed=1)
    assert interval(mismatched, 5, seed=1) != interval(mismatched, 5, seed=2)


def test_the_ceiling_is_reached_when_all_models_are_alike() -> None:
    """With whole numbers of mismatches it is the exact rate."""
    for count in range(11):
        assert ceiling(count / 10, 3, 10) == pytest.approx(detection_rate(count, 10, 3), abs=1e-12)


def test_no_mean_exceeds_the_ceiling() -> None:
    """The rate is concave in the number of mismatches, so the mean lies below the rate at the mean."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mismatched = rng.random((4, 12)) < rng.random((4, 1))
        for n in range(1, 13):
            alone, together = detection(mismatched, 1), detection(mismatched, n)
            assert alone is not None
            assert together is not None
            assert together <= ceiling(alone, n, 12) + 1e-12
