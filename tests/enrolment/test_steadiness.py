"""Which labels are steady, how often they flip, and why."""

from collections.abc import Sequence

import pytest

from modelprint.enrolment.plan import EnrolmentPlan
from modelprint.enrolment.steadiness import Steadiness, judge_steadiness
from modelprint.oracles.oracle import Answer

TURNS = EnrolmentPlan(repeats=5, concurrency=2).turns


def judge(*labels: Sequence[int | None]) -> Steadiness:
    """Judge one candidate by its labels, for each deployment by turn; None is a tie."""
    answers = [
        [[Answer(label=0 if label is None else label, tie=label is None)] for label in of_turn]
        for of_turn in zip(*labels, strict=True)
    ]
    return judge_steadiness(TURNS, answers)


@pytest.mark.parametrize(
    ("labels", "flips", "cause"),
    [
        (([3, 3, 3, 3, 3], [4, 4, 4, 4, 4]), 0, "differ between one deployment and another"),
        (([3, 4, 3, 4, 3],), 2, "differ between questions alone and several at a time"),
        (([3, 3, 3, 3, 4],), 1, "differ before and after the pause"),
        (([3, 4, 4, 3, 3],), 2, "differ from one question to the next"),
        (([None] * 5,), 0, "always tie"),
        (([3, 3, None, 3, 3],), 1, "differ from one question to the next"),
    ],
)
def test_what_varies_is_named(labels: tuple[list[int | None], ...], flips: int, cause: str) -> None:
    """A candidate that does not keep its label is dropped, with the cause; flips are counted within a deployment."""
    found = judge(*labels)

    assert found.labels == (None,)
    assert (found.flips, found.compared) == (flips, 4 * len(labels))
    assert found.explain() == f"1 of 1 {cause}"


def test_a_steady_candidate_keeps_its_label() -> None:
    """Over all turns and deployments."""
    found = judge([2] * 5, [2] * 5)

    assert (found.labels, found.kept, found.flips, found.compared, found.explain()) == ((2,), 1, 0, 8, "")
