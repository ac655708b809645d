"""Checking C-examples: a suspect is judged by how many of them it gives their label. Needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelprint.errors import OracleError
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels
from modelprint.oracles.oracle import Oracle
from modelprint.oracles.recorded import has_class
from modelprint.ownership.decision import Claim, Judge, OwnershipCheck, OwnershipVerdict
from modelprint.progress import Progress, ignore_progress, track_steps


@dataclass(frozen=True, kw_only=True)
class LabelAnswer:
    """The class that a suspect gives one example.

    Attributes:
        label: Class index.
        tie: Two classes share the best score, so the label is arbitrary.
    """

    label: int
    tie: bool


def check_labels(
    oracle: Oracle,
    fingerprint: OwnershipFingerprint,
    evidence: ByLabels,
    judge: Judge,
    progress: Progress = ignore_progress,
) -> OwnershipCheck:
    """Ask `oracle` about every example, and judge it by the share of matching labels.

    Raises:
        ValueError: Too few references for the rates of `judge`.
        OracleError: An answer is missing; says for which example.
    """
    answers = ask_labels(oracle, evidence, len(fingerprint.class_names), progress)
    verdict = judge_labels(answers, fingerprint, evidence, judge)
    return OwnershipCheck(verdict=verdict, oracle=oracle.describe(), labels=tuple(answer.label for answer in answers))


def ask_labels(
    oracle: Oracle, evidence: ByLabels, class_count: int, progress: Progress = ignore_progress
) -> list[LabelAnswer]:
    """Return the answer of `oracle` to each example.

    Raises:
        OracleError: There is no label, or one outside the classes; says for which example.
    """
    count = len(evidence.pictures)
    answers = []
    for number, picture in enumerate(track_steps("asking", evidence.pictures, count, progress), start=1):
        answer = oracle.ask(picture)
        if answer.label is None or not has_class(answer, class_count):
            reason = answer.problem or f"class {answer.label} of {class_count}"
            raise OracleError(
                f"example {number} of {count}: no usable answer ({reason}); a missing answer is not evidence, ask again"
            )
        answers.append(LabelAnswer(label=answer.label, tie=answer.tie))
    return answers


def judge_labels(
    answers: Sequence[LabelAnswer], fingerprint: OwnershipFingerprint, evidence: ByLabels, judge: Judge
) -> OwnershipVerdict:
    """Compare the number of matching labels with those of the references.

    A tie counts as a mismatch. Where the verdict would be another one if all ties matched, it is inconclusive.
    """
    count = len(answers)
    matches = [answer.label == label for answer, label in zip(answers, evidence.labels, strict=True)]
    ties = [answer.tie for answer in answers]

    def judge_count(matching: int) -> OwnershipVerdict:
        others, copies = (
            [np.array([(fingerprint.references[row].matches or 0) / count]) for row in fingerprint.rows_of(relation)]
            for relation in ("unrelated", "copy")
        )
        return judge.judge(np.array([matching / count]), others, copies)

    verdict = judge_count(sum(match and not tie for match, tie in zip(matches, ties, strict=True)))
    most = sum(match or tie for match, tie in zip(matches, ties, strict=True))
    if any(ties) and judge_count(most).outcome != verdict.outcome:
        reasons = (f"{sum(ties)} answers are ties, and the verdict depends on how they are counted",)
        verdict = replace(verdict, outcome=Claim.INCONCLUSIVE, reasons=reasons)
    return replace(verdict, views=count, unit="examples")
