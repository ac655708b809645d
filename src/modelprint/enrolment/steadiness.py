"""Which candidates keep their label, how often labels flip, and what makes them flip."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from modelprint.enrolment.plan import Turn
from modelprint.oracles.oracle import Answer

TIE = -1
"""Stands for the label of a tie."""


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """What repeated answers show.

    Attributes:
        labels: The label of each candidate; None when its answers differ, or one was a tie.
        compared: Answers that were compared with the most frequent label that their deployment gives the candidate; one
            of each sets that label and does not count.
        flips: How many of them were another label, or a tie. Candidates that are dropped count too: what a deployment
            does to them from one question to the next, it may do to others.
        causes: How many candidates flip for which reason.
    """

    labels: tuple[int | None, ...]
    compared: int
    flips: int
    causes: dict[str, int]

    @property
    def kept(self) -> int:
        """How many candidates keep their label."""
        return sum(label is not None for label in self.labels)

    def explain(self) -> str:
        """Say what varies."""
        return "; ".join(f"{count} of {len(self.labels)} {cause}" for cause, count in self.causes.items())


def judge_steadiness(turns: Sequence[Turn], answers: Sequence[Sequence[Sequence[Answer]]]) -> Steadiness:
    """Return what the answers show.

    Args:
        turns: The ways of asking, at least one.
        answers: By turn, deployment and candidate.
    """
    labels: list[int | None] = []
    flips, causes = 0, Counter[str]()
    for index in range(len(answers[0][0])):
        seen = [[read_label(of_one[index]) for of_one in of_turn] for of_turn in answers]
        flips += sum(len(one) - Counter(one).most_common(1)[0][1] for one in zip(*seen, strict=True))
        alike = {label for row in seen for label in row}
        labels.append(alike.pop() if len(alike) == 1 and TIE not in alike else None)
        if labels[-1] is None:
            causes[_find_cause(turns, seen)] += 1
    compared = len(labels) * len(answers[0]) * (len(answers) - 1)
    return Steadiness(labels=tuple(labels), compared=compared, flips=flips, causes=dict(causes.most_common()))


def read_label(answer: Answer) -> int:
    """Return the label of an answer, TIE when two classes share the best score."""
    return TIE if answer.tie or answer.label is None else answer.label


def _find_cause(turns: Sequence[Turn], seen: Sequence[Sequence[int]]) -> str:
    """Return why the labels of one candidate, by turn and deployment, differ."""
    if all(label == TIE for row in seen for label in row):
        return "always tie"
    of_deployments = list(zip(*seen, strict=True))
    if all(len(set(labels)) == 1 for labels in of_deployments):
        return "differ between one deployment and another"
    alone = [row for turn, row in zip(turns, seen, strict=True) if not turn.concurrent]
    if len(alone) > 1 and len(alone) < len(seen) and all(len(set(labels)) == 1 for labels in zip(*alone, strict=True)):
        return "differ between questions alone and several at a time"
    early = [row for turn, row in zip(turns, seen, strict=True) if not turn.paused]
    if len(early) > 1 and len(early) < len(seen) and all(len(set(labels)) == 1 for labels in zip(*early, strict=True)):
        return "differ before and after the pause"
    return "differ from one question to the next"
