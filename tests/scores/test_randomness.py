"""Random scores are told from wrong ones."""

from collections.abc import Callable

import numpy as np
import pytest

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.scores.form import find_form
from modelprint.scores.printed import Printed
from modelprint.scores.randomness import (
    SPREAD_ANSWERS,
    are_apart,
    differ_in_pairs,
    measure_lead,
    moves_scores_alone,
)

Printer = Callable[..., Printed]


def test_scores_that_differ_each_time_are_random(printed: Printer) -> None:
    """Three pictures with a new noise each time, but not where that is the noise of serving."""
    rng = np.random.default_rng(2)
    noisy = [printed((np.arange(4.0) + rng.normal(size=4) / 50).tolist()) for _ in range(6)]
    form = find_form(noisy, 4)
    assert form is not None
    pairs = [(noisy[row], noisy[row + 3], True) for row in range(3)]

    assert differ_in_pairs(pairs, form, 1e-4)
    assert not differ_in_pairs(pairs, form, 1.0)
    assert not differ_in_pairs(pairs[:1], form, 1e-4)


def test_answers_that_repeat_are_not_random(printed: Printer) -> None:
    """A changed model repeats itself, and of two replicas that answer in turn one may be intact."""
    one, other = printed([0.0, 1.0]), printed([0.0, 1.1])
    form = find_form([one, other], 2)
    assert form is not None

    assert not differ_in_pairs([(one, other, True), (one, other, True), (one, one, True)], form, 1e-4)
    assert not differ_in_pairs([(one, other, True), (one, other, True), (other, one, False)], form, 1e-4)


def test_lists_of_other_classes_are_apart(printed: Printer) -> None:
    """The first two, when their members change."""
    one, other = printed([3.0, 2.0, 0.0], listed=2), printed([3.0, 0.0, 2.0], listed=2)
    form = find_form([one, other], 3)
    assert form is not None

    assert are_apart(one, other, form, 1e-4)
    assert not are_apart(one, one, form, 1e-4)


def test_a_lead_is_compared_with_the_sealed_one(printed: Printer, expected: Callable[..., ExpectedScores]) -> None:
    """Logits 1.0 and 0.9 printed as 1.3 and 0.9: the lead is wrong by 0.3, with four decimals by a bit less."""
    sealed = expected([1.0, 0.9, 0.0])
    full, rounded = printed([1.3, 0.9, 0.0]), printed([1.3, 0.9, 0.0], lambda value: f"{value:.4f}")
    forms = [find_form([one], 3) for one in (full, rounded)]

    assert forms[0] is not None
    assert forms[1] is not None
    assert measure_lead(full, forms[0], sealed, 0) == pytest.approx(0.3)
    found = measure_lead(rounded, forms[1], sealed, 0)
    assert found is not None
    assert 0.299 < found < 0.3
    assert measure_lead(printed([1.3, 0.9, 0.0], listed=1), forms[0], sealed, 0) is None


@pytest.mark.parametrize(
    ("moved", "holds", "count", "alone"),
    [
        (11e-4, True, SPREAD_ANSWERS, True),
        (11e-4, True, SPREAD_ANSWERS - 1, False),
        (11e-4, False, SPREAD_ANSWERS, False),
        (9e-4, True, SPREAD_ANSWERS, False),
    ],
)
def test_labels_that_hold_beside_wrong_leads_are_noticed(moved: float, holds: bool, count: int, alone: bool) -> None:
    """Only where leads are wrong by ten margins, here of 1e-4, and every label holds."""
    found = [(moved, 1e-4, True)] * (count - 1) + [(moved, 1e-4, holds)]

    assert moves_scores_alone(found) is alone
