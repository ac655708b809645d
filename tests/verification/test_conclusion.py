"""The verdict follows from the tally alone, and its first reason carries the numbers."""

import pytest

from modelprint.oracles.oracle import Answer
from modelprint.verification.conclusion import conclude
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.tally import Tally
from modelprint.verification.transcript import Header
from modelprint.verification.verdict import Observed, Outcome

HEADER = Header(fingerprint="f" * 64, oracle={"kind": "fake"}, alpha=0.05, beta=0.01, p0=0.1, p1=0.5, queries=8)


def count(*answers: Answer) -> Tally:
    """Return the tally of these answers about samples of class 0, of two classes."""
    tally = Tally(test=SequentialTest(alpha=0.05, beta=0.01, p0=0.1, p1=0.5), class_count=2)
    for index, answer in enumerate(answers):
        tally.add(Observed(index=index, png_sha256=f"{index:064x}", expected=0, answer=answer))
    return tally


MATCH, MISMATCH, MISSING = Answer(label=0), Answer(label=1), Answer(problem="late")


@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ([MISMATCH] * 2, Outcome.TAMPERED, "2 of 2 labels differ; honest serving comes to that with probability 0.019"),
        ([MATCH] * 8, Outcome.INTACT, "8 of 8 labels match; a model that flips 0.5 of them passes with probability"),
        ([MATCH], Outcome.INCONCLUSIVE, "0 of 1 labels differ, too few to decide; 7 of 8 samples have no answer"),
        ([MISSING], Outcome.INCONCLUSIVE, "not one usable answer came back; 1 of 8 samples were asked"),
    ],
)
def test_each_outcome_has_its_reason(answers: list[Answer], outcome: Outcome, reason: str) -> None:
    """Worked out by hand: two mismatches give (25 + 81) / 2, a match multiplies by 5/9; the bounds are 20 and 0.01."""
    verdict = conclude(count(*answers), HEADER)

    assert verdict.outcome is outcome
    assert verdict.reasons[0].startswith(reason)
    assert verdict.asked == verdict.answered + verdict.tied + verdict.failed == len(answers)


def test_the_last_trouble_is_among_the_reasons() -> None:
    """Where nothing was decided."""
    assert "the last trouble was: late" in conclude(count(MATCH, MISSING), HEADER).reasons
