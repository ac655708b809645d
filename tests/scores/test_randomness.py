"""Random scores are told from wrong ones."""

from collections.abc import Callable

import numpy as np
import pytest

from modelprint.scores.deviation import Deviation
from modelprint.scores.form import find_form
from modelprint.scores.printed import Printed
from modelprint.scores.randomness import SPREAD_ANSWERS, are_apart, differ_in_pairs, moves_scores_alone

Printer = Callable[..., Printed]


def far(floors: float) -> Deviation:
    """Return a deviation of so many floors."""
    return Deviation(largest=floors, index=0, square=floors**2, value=0.5, expected=0.4)


def test_scores_that_differ_each_time_are_random(printed: Printer) -> None:
    """Three pictures with a new noise each time, but not where that is the noise of serving."""
    rng = np.random.default_rng(2)
    noisy = [printed((np.arange(4.0) + rng.normal(size=4) / 50).tolist()) for _ in range(6)]
    form = find_form(noisy, 4)
    assert form is not None
    pairs = [(noisy[row], noisy[row + 3], True) for row in range(3)]

    assert differ_in_pairs(pairs, form, 1e-4)
    assert not differ_in_pairs(pairs, form, 1.0)
    assert not differ_in_pairs(pairs[:2], form, 1e-4)


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


@pytest.mark.parametrize(
    ("floors", "margin", "holds", "count", "alone"),
    [
        (1000.0, 1e-4, True, SPREAD_ANSWERS, True),
        (1000.0, 1e-4, True, SPREAD_ANSWERS - 1, False),
        (1000.0, 1e-4, False, SPREAD_ANSWERS, False),
        (9.0, 1e-4, True, SPREAD_ANSWERS, False),
        (1000.0, 1e-1, True, SPREAD_ANSWERS, False),
    ],
)
def test_labels_that_hold_beside_wrong_scores_are_noticed(
    floors: float, margin: float, holds: bool, count: int, alone: bool
) -> None:
    """Only where the scores are wrong by ten margins and every label holds."""
    found = [(far(floors), margin, True)] * (count - 1) + [(far(floors), margin, holds)]

    assert moves_scores_alone(found, 1e-4) is alone
