"""Deviations in floors, against cases computed by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.scores.deviation import deviate, deviate_in_order, expected_logs
from modelprint.scores.form import ScoreForm, find_form
from modelprint.scores.printed import Printed

FLOOR = 1e-3
TWO = ExpectedScores(logs=(math.log(0.5), math.log(0.5)))
Printer = Callable[..., Printed]
Expect = Callable[..., ExpectedScores]


def two(first: float, second: float, complete: bool = True) -> Printed:
    """Return an answer of two classes."""
    values = np.array([first, second])
    return Printed(
        classes=np.array([0, 1]),
        values=values,
        decimals=np.array([4, 4]),
        bits=np.array([53, 53]),
        total=float(values.sum()),
        count=2,
        complete=complete,
    )


FOUR = ScoreForm(scale="probabilities", decimals={-1: 4})
FULL = ScoreForm(scale="probabilities", decimals={-1: 99})


def test_a_probability_deviates_by_the_distance_of_logarithms() -> None:
    """0.505 is ln(1.01) = 0.00995 above 0.5, 9.95 floors; 0.495 is ln(0.99), 10.05 floors, below it."""
    found = deviate(two(0.505, 0.495), FULL, TWO, FLOOR)

    assert found is not None
    assert (found.index, found.largest) == (1, pytest.approx(-math.log(0.99) / FLOOR))
    assert found.square == pytest.approx((math.log(1.01) ** 2 + math.log(0.99) ** 2) / FLOOR**2 / 2)
    assert (found.value, found.expected) == (0.495, pytest.approx(0.5))


def test_rounding_takes_half_a_unit_away() -> None:
    """0.5016 with four decimals may be 0.50155: ln(1.0031) = 3.0952 floors, and 0.4984 may be 0.49845: 3.1048."""
    found = deviate(two(0.5016, 0.4984), FOUR, TWO, FLOOR)

    assert found is not None
    assert found.largest == pytest.approx(-math.log(0.49845 / 0.5) / FLOOR)


def test_what_is_printed_as_expected_does_not_deviate() -> None:
    """0.5 within half a unit of the last decimal."""
    assert deviate(two(0.5, 0.5), FOUR, TWO, FLOOR) == deviate(two(0.5, 0.5), FULL, TWO, FLOOR)
    found = deviate(two(0.50004, 0.49996), FOUR, TWO, FLOOR)
    assert found is not None
    assert (found.largest, found.square) == (0, 0)


def test_logits_are_compared_without_what_they_share() -> None:
    """Logits 7.01 and 7 give ln(e^0.01 / (1 + e^0.01)): 4.9875 floors above ln(1/2)."""
    form = ScoreForm(scale="logits", decimals={0: 99, 1: 99})

    found = deviate(two(7.01, 7.0), form, TWO, FLOOR)
    other = deviate(two(-92.99, -93.0), form, TWO, FLOOR)

    assert found is not None
    assert other is not None
    assert found.largest == pytest.approx(5.0125, abs=1e-3)
    assert other.largest == pytest.approx(found.largest, abs=1e-3)


def test_gaps_of_logits_count_where_classes_are_missing() -> None:
    """A gap of 0.01 between two logits is ten floors of a gap, which two log-probabilities share: five each."""
    found = deviate(two(7.01, 7.0, complete=False), ScoreForm(scale="logits", decimals={0: 99}), TWO, FLOOR)

    assert found is not None
    assert found.largest == pytest.approx(5.0, abs=1e-3)


def test_a_class_that_is_not_sealed_has_an_upper_bound(expected: Expect) -> None:
    """It is at most as probable as the least one that is sealed, and as all others together."""
    logs = expected([3.0, 2.0, 0.0, 0.0], kept=2)

    low, high = expected_logs(logs, np.array([0, 2]))

    assert low[1] == -math.inf
    assert high[1] == pytest.approx(math.log(2 / (math.exp(3) + math.exp(2) + 2)))
    assert low[0] == high[0] == pytest.approx(3 - math.log(math.exp(3) + math.exp(2) + 2))


def test_an_unexpected_class_deviates(printed: Printer, expected: Expect) -> None:
    """The first of a list of one, when another one was sealed."""
    sealed = expected([3.0, 2.0, 0.0, 0.0], kept=2)
    answer = printed([0.0, 0.0, 0.0, 3.0], lambda value: f"{value:.4f}", listed=1)
    form = find_form([answer], 4)

    assert form is not None
    found = deviate(answer, form, sealed, FLOOR)
    assert found is not None
    assert found.index == 3
    assert found.largest > 100


def test_a_probability_of_zero_is_what_rounds_to_it(printed: Printer, expected: Expect) -> None:
    """Four decimals print 0.00004 as 0.0000, and so does float32 with anything below its smallest number."""
    logits = [0.0, -10.0, -90.0]
    rounded = printed(logits, lambda value: f"{value:.4f}")
    form = find_form([rounded], 3)
    assert form is not None
    found = deviate(rounded, form, expected(logits), FLOOR)
    assert found is not None
    assert found.largest == 0

    flushed = printed(logits, lambda value: repr(value if value > 1e-38 else 0.0))
    form = find_form([flushed], 3)
    assert form is not None
    found = deviate(flushed, form, expected(logits), FLOOR)
    assert found is not None
    assert found.largest < 0.01


def test_scores_without_a_scale_are_not_compared() -> None:
    """Only their order is."""
    assert deviate(two(0.9, 0.8), ScoreForm(scale="unknown"), TWO, FLOOR) is None


def test_an_order_deviates_by_half_of_the_sealed_gap(printed: Printer, expected: Expect) -> None:
    """Classes 0.02 apart and printed the other way round: 20 floors of a gap, ten each."""
    found = deviate_in_order(printed([0.0, 0.5, 1.0]), expected([0.02, 0.0, 1.0]), FLOOR)

    assert found.largest == pytest.approx(10)
    assert found.index == 1


def test_equal_scores_and_the_sealed_order_do_not_deviate(printed: Printer, expected: Expect) -> None:
    """Two decimals make ties, and a tie has no order."""
    logits = [0.02, 0.0, 1.0]
    two_decimals = printed([0.0, 0.001, 1.0], lambda value: f"{value:.2f}")

    assert deviate_in_order(printed(logits), expected(logits), FLOOR).largest == 0
    assert deviate_in_order(two_decimals, expected(logits), FLOOR).largest == 0


def test_honest_serving_never_deviates_by_more_than_its_noise(
    printed: Printer, expected: Expect, pictures: list[list[float]]
) -> None:
    """Log-probabilities that move by a floor, in every form: at most one floor comes out."""
    rng = np.random.default_rng(1)
    writers: list[Callable[[float], str]] = [repr, lambda v: f"{v:.2f}", lambda v: f"{v:.4f}", lambda v: f"{v:.3g}"]
    for scale in ("probabilities", "percent", "logits"):
        for write in writers:
            for listed in (None, 3):
                noisy = [np.array(logits) + rng.uniform(-FLOOR / 2, FLOOR / 2, 10) for logits in pictures]
                answers = [printed(logits.tolist(), write, scale=scale, listed=listed) for logits in noisy]
                form = find_form(answers, 10)
                assert form is not None
                assert form.scale == scale
                for logits, answer in zip(pictures, answers, strict=True):
                    found = deviate(answer, form, expected(logits), FLOOR)
                    assert found is not None
                    assert found.largest <= 1.01
