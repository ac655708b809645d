"""Verdicts: p-values by counting, what each outcome takes, and refusals that say how many models are needed."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from modelprint.ownership import Claim, Judge, needed_references
from modelprint.ownership.decision import VIEWS_DEPEND, rank_p_value, welch_p_value


def plain(*means: float) -> list[np.ndarray]:
    """Return similarities of two views for each model, around its mean."""
    return [np.array([mean - 0.01, mean + 0.01]) for mean in means]


OTHERS = [0.1 + 0.01 * i for i in range(9)]
COPIES = [0.8 + 0.01 * i for i in range(9)]
JUDGE = Judge(alpha=0.1, beta=0.1)


def test_p_values_count_references() -> None:
    """Of four others none, two, or all are as similar; one that ties counts against the accusation."""
    others = [0.1, 0.2, 0.3, 0.4]

    assert [rank_p_value(s, others) for s in (0.5, 0.25, 0.3, 0.0)] == [1 / 5, 3 / 5, 3 / 5, 1]


@pytest.mark.parametrize(
    ("suspect", "outcome", "p_value", "copy_p"),
    [
        (0.845, Claim.COPY, 0.1, 0.6),
        (0.145, Claim.UNRELATED, 0.5, 0.1),
        (0.5, Claim.INCONCLUSIVE, 0.1, 0.1),
    ],
)
def test_each_outcome_by_hand(suspect: float, outcome: Claim, p_value: float, copy_p: float) -> None:
    """Among the copies; among the others; between the two, where it is like neither."""
    verdict = JUDGE.judge(plain(suspect)[0], plain(*OTHERS), plain(*COPIES))

    assert verdict.outcome is outcome
    assert (verdict.p_value, verdict.copy_p_value) == pytest.approx((p_value, copy_p))
    assert verdict.similarity == pytest.approx(suspect)


def test_overlapping_references_leave_it_open() -> None:
    """Where others and copies are alike, a suspect among them is neither."""
    verdict = JUDGE.judge(plain(0.14)[0], plain(*OTHERS), plain(*OTHERS))

    assert verdict.outcome is Claim.INCONCLUSIVE
    assert verdict.reasons == ("an unrelated model and a copy may both be as similar as this",)


def test_without_reference_copies_nothing_is_acquitted() -> None:
    """It can be called a copy, and otherwise nothing."""
    accused, open_question = (JUDGE.judge(plain(s)[0], plain(*OTHERS)) for s in (0.9, 0.1))

    assert (accused.outcome, accused.copy_p_value) == (Claim.COPY, None)
    assert open_question.outcome is Claim.INCONCLUSIVE
    assert "without reference copies no model can be called unrelated" in open_question.reasons[0]


def test_unrelated_suspects_are_accused_no_more_often_than_stated() -> None:
    """Drawn as the references are, from any distribution, also one of two values: at most alpha, here one tenth."""
    rng, accused = np.random.default_rng(0), {"smooth": 0, "ties": 0}
    for _ in range(600):
        smooth, ties = rng.uniform(0, 1, 10).tolist(), rng.integers(0, 2, 10).astype(float).tolist()
        for name, values in (("smooth", smooth), ("ties", ties)):
            accused[name] += rank_p_value(values[0], values[1:]) <= 0.1

    assert 30 < accused["smooth"] < 90
    assert accused["ties"] < 5


@pytest.mark.parametrize(("rate", "needed"), [(0.5, 1), (0.1, 9), (0.05, 19), (0.01, 99), (0.07, 14), (0.001, 999)])
def test_the_number_of_references_that_a_rate_needs(rate: float, needed: int) -> None:
    """One over the rate, less the suspect itself; with one fewer it is out of reach."""
    assert needed_references(rate) == needed
    assert rank_p_value(0.9, [0.1] * needed) <= rate < rank_p_value(0.9, [0.1] * (needed - 1))


def test_too_few_references_are_refused() -> None:
    """With how many are needed, and what these would do for."""
    with pytest.raises(ValueError, match=r"alpha 0.05 needs at least 19 unrelated models .* got 9: .* alpha 0.1 at"):
        Judge().judge(plain(0.9)[0], plain(*OTHERS))
    with pytest.raises(ValueError, match=r"beta 0.1 needs at least 9 copies as references.*; got 3"):
        JUDGE.judge(plain(0.9)[0], plain(*OTHERS), plain(*COPIES[:3]))


def test_welchs_test_is_that_of_scipy() -> None:
    """All views of all references against those of the suspect, one-sided; its caveat is among the reasons."""
    suspect, others = np.array([0.5, 0.6, 0.7]), [np.array([0.2, 0.3]), np.array([0.4, 0.1])]
    expected = ttest_ind([0.5, 0.6, 0.7], [0.2, 0.3, 0.4, 0.1], equal_var=False, alternative="greater").pvalue

    assert welch_p_value(suspect, others) == pytest.approx(expected, rel=1e-5)
    verdict = Judge(alpha=0.01, test="welch").judge(suspect, others)
    assert verdict.outcome is Claim.COPY
    assert VIEWS_DEPEND in verdict.reasons


def test_welchs_test_without_views_or_spread_is_refused() -> None:
    """One view has no spread; equal views give no scale; a suspect that is the victim itself has none of its own."""
    with pytest.raises(ValueError, match="at least two views on either side, got 1 and 4"):
        welch_p_value(np.array([0.5]), plain(0.1, 0.2))
    with pytest.raises(ValueError, match="without any spread"):
        welch_p_value(np.ones(3), [np.ones(2)])
    assert welch_p_value(np.ones(3), plain(0.1, 0.2)) < 1e-2


def test_impossible_settings_are_refused() -> None:
    """Rates that are no probabilities."""
    with pytest.raises(ValueError, match="alpha is a probability between 0 and 1, got 0"):
        Judge(alpha=0.0)
    with pytest.raises(ValueError, match="beta is a probability between 0 and 1, got 1"):
        Judge(beta=1.0)
