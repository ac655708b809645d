"""Random scores are told from wrong ones."""

from collections.abc import Callable

import numpy as np
import pytest

from modelprint.scores.deviation import Deviation
from modelprint.scores.form import find_form
from modelprint.scores.printed import Printed
from modelprint.scores.randomness import SPREAD_ANSWERS, moves_scores_alone, vary

Printer = Callable[..., Printed]


def far(floors: float) -> Deviation:
    """Return a deviation of so many floors."""
    return Deviation(largest=floors, index=0, square=floors**2, value=0.5, expected=0.4)


def test_scores_that_differ_each_time_vary(printed: Printer) -> None:
    """Three answers about one picture with three noises."""
    rng = np.random.default_rng(2)
    noisy = [printed((np.arange(4.0) + rng.normal(size=4) / 50).tolist()) for _ in range(3)]
    form = find_form(noisy, 4)
    assert form is not None

    assert vary(noisy, form, 1e-4)
    assert not vary(noisy, form, 1.0)


def test_answers_that_repeat_do_not_vary(printed: Printer) -> None:
    """A changed model repeats itself, and of two replicas that answer in turn one does."""
    one, other = printed([0.0, 1.0]), printed([0.0, 1.1])
    form = find_form([one, other], 2)
    assert form is not None

    assert not vary([one, one, one], form, 1e-4)
    assert not vary([one, other, one], form, 1e-4)
    assert not vary([one, other], form, 1e-4)


def test_answers_about_other_classes_vary(printed: Printer) -> None:
    """A list of the first two whose members change."""
    lists = [printed(logits, listed=2) for logits in ([3.0, 2.0, 0.0], [3.0, 0.0, 2.0], [0.0, 3.0, 2.0])]
    form = find_form(lists, 3)
    assert form is not None

    assert vary(lists, form, 1e-4)


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
