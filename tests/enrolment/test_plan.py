"""What an enrolment asks, and how many questions that takes at most."""

import pytest

from modelprint.enrolment.plan import EnrolmentPlan


def test_turns_vary_what_can_be_varied() -> None:
    """Alone and several at a time in turn, shuffled from the second on, the last one after a pause."""
    turns = EnrolmentPlan(repeats=5, concurrency=4).turns

    assert [turn.concurrent for turn in turns] == [False, True, False, True, False]
    assert [turn.shuffled for turn in turns] == [False, True, True, True, True]
    assert [turn.paused for turn in turns] == [False, False, False, False, True]
    assert len({turn.name for turn in turns}) == 5
    assert not any(turn.concurrent for turn in EnrolmentPlan(concurrency=1).turns)


def test_a_sample_costs_little() -> None:
    """Of 100 samples: at most 150 questions each with three walks, and 10 without any, natural images included."""
    assert EnrolmentPlan(walks=3).count_most_questions(100, 100, 1) <= 150 * 100
    assert EnrolmentPlan(walks=0).count_most_questions(100, 100, 1) == 100 + 20 + 500
    assert EnrolmentPlan(walks=0).count_most_questions(100, 100, 2) == 2 * 620
    assert EnrolmentPlan(walks=0, checked=False).count_most_questions(100, 100, 1) == 500


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repeats": 1}, "repeats must be at least 2, got 1"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"walks": -1}, "walks must be at least 0"),
        ({"pause": float("nan")}, "pause must be at least 0, got nan"),
        ({"most_questions": 0}, "most_questions must be at least 1"),
        ({"precision": "fp8"}, "precision is one of fp32, tf32, fp16, bf16, int8, got 'fp8'"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, object], message: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match=message):
        EnrolmentPlan(**wrong)  # type: ignore[arg-type]
