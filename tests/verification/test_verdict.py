"""Verdicts: exit codes, and what is derived from the counts."""

from dataclasses import replace

import pytest

from modelprint.oracles.oracle import Answer
from modelprint.verification.verdict import Observed, Outcome, Verdict

VERDICT = Verdict(
    outcome=Outcome.INTACT,
    reasons=("10 of 10 labels match",),
    p_value=1.0,
    alpha=1e-3,
    beta=1e-2,
    p0=1e-4,
    p1=0.25,
    queries=20,
    asked=10,
    answered=10,
    matched=10,
    mismatched=0,
    tied=0,
    failed=0,
    observations=(),
    remap=None,
    fingerprint="f" * 64,
    oracle={"kind": "fake"},
)


def test_each_outcome_has_its_exit_code() -> None:
    """Codes are a contract with shell scripts; 2 belongs to wrong usage."""
    assert {str(outcome): outcome.exit_code for outcome in Outcome} == {"intact": 0, "tampered": 1, "inconclusive": 3}


@pytest.mark.parametrize(
    ("answer", "mismatch"),
    [(Answer(label=1), False), (Answer(label=0), True), (Answer(label=0, tie=True), False), (Answer(), False)],
)
def test_only_a_usable_answer_is_a_mismatch(answer: Answer, mismatch: bool) -> None:
    """A tie or a missing answer is neither a match nor a mismatch."""
    assert Observed(index=0, png_sha256="0", expected=1, answer=answer).mismatch is mismatch


def test_the_visible_rate_is_computed_from_the_answers() -> None:
    """A change with probability r per sample stays unseen in ten answers with probability (1 - r) ** 10 = 0.05."""
    rate = VERDICT.visible_rate

    assert rate is not None
    assert (1 - rate) ** 10 == pytest.approx(0.05)
    assert replace(VERDICT, answered=0).visible_rate is None


def test_a_summary_leaves_out_what_was_not_shown() -> None:
    """With a mismatch there is no sentence about changes that would have been seen."""
    assert "would see" in VERDICT.summary()
    assert "would see" not in replace(VERDICT, mismatched=1, matched=9).summary()
