"""One question, and an answer that a transcript can carry."""

from collections.abc import Callable
from typing import Any

import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.oracles.variants import list_variants
from modelprint.verification.asking import TEXT_LIMIT, ask_controls, ask_sample
from modelprint.verification.controls import Trial, Trials


@pytest.mark.parametrize(
    ("given", "label", "problem"),
    [
        (Answer(label=5), None, "answered class 5, but there are only 5 classes"),
        (Answer(label=-1), None, "answered class -1, but there are only 5 classes"),
        (Answer(label=4), 4, None),
        (Answer(problem="\x1b[2J"), None, "\\x1b[2J"),
        (Answer(problem="x" * 1000), None, "x" * TEXT_LIMIT),
    ],
)
def test_what_a_server_says_is_made_safe(
    sealed: Fingerprint, serve: Callable[..., Any], given: Answer, label: int | None, problem: str | None
) -> None:
    """An impossible label is a missing one; control characters are spelled out, long texts cut."""
    served = serve()
    served.ask = lambda picture: given

    seen = ask_sample(served, sealed, 3)

    assert (seen.index, seen.expected, seen.png_sha256) == (3, 3, sealed.samples[3].picture.sha256)
    assert (seen.answer.label, seen.answer.problem) == (label, problem)


def test_each_answer_is_recorded_before_the_next_question(sealed: Fingerprint, serve: Callable[..., Any]) -> None:
    """So that an interruption loses none."""
    served, recorded = serve(), list[Trial]()
    trials = Trials(count=8, forms=(), class_names=sealed.class_names)

    def record(trial: Trial) -> None:
        recorded.append(trial)
        assert len(served.asked) == len(recorded)

    ask_controls(served, list_variants(served, (3, 6, 6)), sealed, trials, [], record)

    assert [trial.observed.index for trial in recorded] == list(range(8))
    assert trials.agree
