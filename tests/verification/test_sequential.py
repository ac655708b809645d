"""The sequential test: bounds and ratios as they are computed on paper."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprint.verification.sequential import SequentialTest


def test_the_ratio_multiplies_answer_by_answer() -> None:
    """With p0 = 0.1 and p1 = 0.5 a mismatch multiplies it by 5 and a match by 5/9."""
    test = SequentialTest(alpha=0.05, beta=0.01, p0=0.1, p1=0.5)

    assert test.ratio(0, 0) == 0
    assert test.ratio(1, 2) == pytest.approx(math.log(5 * 5 * 5 / 9))
    assert test.upper == pytest.approx(math.log(20))
    assert test.answers_for_intact == 8


@settings(max_examples=100, deadline=None)
@given(
    p0=st.floats(1e-5, 0.4),
    gap=st.floats(0.01, 0.5),
    beta=st.floats(1e-4, 0.5),
)
def test_answers_for_intact_is_the_first_that_is_enough(p0: float, gap: float, beta: float) -> None:
    """So many matches are evidence enough, one fewer are not."""
    test = SequentialTest(alpha=1e-3, beta=beta, p0=p0, p1=p0 + gap)
    count = test.answers_for_intact

    assert test.intact_evidence(count, 0, 0) >= -math.log(beta) - 1e-12
    assert test.intact_evidence(count - 1, 0, 0) < -math.log(beta) + 1e-12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "alpha is a probability above 0 and below 1, got 0.0"),
        ({"beta": 1.0}, "beta is a probability above 0 and below 1, got 1.0"),
        ({"p0": 0.5}, "flip rates need 0 < p0 < p1 < 1, got p0 0.5 and p1 0.25"),
        ({"p1": 1.0}, "flip rates need 0 < p0 < p1 < 1"),
    ],
)
def test_numbers_that_make_no_test_are_refused(change: dict[str, float], message: str) -> None:
    """With the number that is wrong."""
    with pytest.raises(ValueError, match=message):
        SequentialTest(**{"alpha": 1e-3, "beta": 1e-2, "p0": 1e-4, "p1": 0.25} | change)


@pytest.mark.parametrize(("p0", "p1"), [(1e-4, 0.25), (1e-3, 0.1), (0.03, 0.25), (0.6, 0.8)])
def test_the_evidence_for_tampered_is_an_e_value(p0: float, p1: float) -> None:
    """Its mean over all answers of a model that flips with probability p0 is 1, by counting all of them."""
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=p0, p1=p1)
    count = 12

    mean = sum(
        math.comb(count, flips)
        * p0**flips
        * (1 - p0) ** (count - flips)
        * math.exp(test.tampered_evidence(count - flips, flips))
        for flips in range(count + 1)
    )

    assert mean == pytest.approx(1, rel=1e-9)


def test_a_share_of_the_requests_is_enough() -> None:
    """Two of fifty labels differ: with p0 = 1e-4 that is honest once in 80,000 runs, and speaks against p1 = 0.25."""
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-4, p1=0.25)

    assert test.ratio(48, 2) < test.upper < test.tampered_evidence(48, 2)


def test_several_bets_cost_their_stake_at_most() -> None:
    """Whatever the answers are, the evidence is that of p1 less its stake, or more."""
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-3, p1=0.25)

    for matched, mismatched in ((0, 0), (10, 1), (0, 5), (30, 10)):
        assert test.tampered_evidence(matched, mismatched) >= test.ratio(matched, mismatched) - math.log(2) - 1e-12


@pytest.mark.parametrize("p1", [0.01, 0.04, 0.25, 0.9])
def test_withholding_an_answer_never_pays(p1: float) -> None:
    """A missing answer makes intact five times less likely at least, however small the flip rate to be seen."""
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-4, p1=p1)

    evidence = [test.intact_evidence(10, 0, unusable) for unusable in (1, 2, 100)]

    assert evidence[1] <= evidence[0] - math.log(5) + 1e-9
    assert evidence[2] < 0
    assert test.intact_evidence(9, 0, 1) < test.intact_evidence(10, 0, 0)


@pytest.mark.parametrize("p1", [0.01, 0.04, 0.25, 0.9])
def test_a_sample_that_flips_earns_no_more_than_its_share(p1: float) -> None:
    """The expected factor of one sample is at most 1, whichever of its answers are shown."""
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-4, p1=p1)

    flipped = max(test.intact_evidence(0, 0, 1), test.intact_evidence(0, 1, 0))
    kept = max(test.intact_evidence(1, 0, 0), test.intact_evidence(0, 0, 1))

    assert p1 * math.exp(flipped) + (1 - p1) * math.exp(kept) <= 1 + 1e-9


def test_rates_that_hardly_differ_end_the_search() -> None:
    """A file may say so; it takes more answers than there are."""
    test = SequentialTest(alpha=1e-3, beta=1e-2, p0=1e-4, p1=math.nextafter(1e-4, 1))

    assert test.answers_for_intact >= 10**9
