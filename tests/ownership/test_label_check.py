"""Labels are counted, ties are not; a file checked by labels needs no torch."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelprint.errors import OracleError
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels
from modelprint.oracles.oracle import Answer
from modelprint.ownership.decision import Claim, Judge
from modelprint.ownership.label_check import LabelAnswer, ask_labels, judge_labels
from modelprint.pixels import Picture

Make = Callable[..., OwnershipFingerprint]


class Constant:
    """Answers the same to everything."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def ask(self, picture: Picture) -> Answer:
        return self.answer

    def describe(self) -> dict[str, str]:
        return {"kind": "constant"}


def answers(*labels: int, tied: tuple[int, ...] = ()) -> list[LabelAnswer]:
    """Return one answer for each label; those at the places in `tied` are ties."""
    return [LabelAnswer(label=label, tie=place in tied) for place, label in enumerate(labels)]


def test_labels_and_ties_are_taken_from_the_answers(told_by_labels: Make) -> None:
    """One for each example, with its progress."""
    evidence = told_by_labels().evidence
    assert isinstance(evidence, ByLabels)
    told: list[tuple[str, int, int]] = []

    found = ask_labels(Constant(Answer(label=2, tie=True)), evidence, 3, lambda *step: told.append(step))

    assert found == answers(2, 2, 2, 2, tied=(0, 1, 2, 3))
    assert told == [("asking", done, 4) for done in range(5)]


def test_an_answer_without_a_class_of_ours_is_an_error(told_by_labels: Make) -> None:
    """A missing label, a negative one, one too large."""
    evidence = told_by_labels().evidence
    assert isinstance(evidence, ByLabels)

    for answer, reason in (
        (Answer(problem="late"), "late"),
        (Answer(label=-1), "class -1 of 3"),
        (Answer(label=3), "class 3 of 3"),
    ):
        with pytest.raises(OracleError, match=f"example 1 of 4: no usable answer .{reason}.; a missing answer is not"):
            ask_labels(Constant(answer), evidence, 3)


@pytest.mark.parametrize(("tied", "outcome"), [((), Claim.COPY), ((3,), Claim.COPY), ((2, 3), Claim.INCONCLUSIVE)])
def test_a_tie_counts_as_a_mismatch_unless_it_decides(
    told_by_labels: Make, tied: tuple[int, ...], outcome: Claim
) -> None:
    """Of four matches one tie leaves three, a copy; two leave two, between unrelated models and copies."""
    file = told_by_labels()
    assert isinstance(file.evidence, ByLabels)

    verdict = judge_labels(answers(0, 1, 2, 0, tied=tied), file, file.evidence, Judge())

    assert verdict.outcome is outcome
    assert verdict.similarity == (4 - len(tied)) / 4
    assert (verdict.views, verdict.unit) == (4, "examples")


WITHOUT_TORCH = """
import sys
for name in ("torch", "safetensors", "scipy", "sklearn"):
    sys.modules[name] = None
from pathlib import Path
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.oracles.oracle import Answer
from modelprint.ownership import check
from modelprint.ownership.report import render_report

class Scripted:
    labels = iter([0, 1, 2, 0])
    def ask(self, picture):
        return Answer(label=next(self.labels))
    def describe(self):
        return {"kind": "scripted"}

file = OwnershipFingerprint.load(Path(sys.argv[1]))
checked = check(Scripted(), file, log=Path(sys.argv[2]))
print(checked.verdict.outcome, len(render_report("x", file, checked)) > 1000)
"""


def test_labels_are_checked_without_torch(told_by_labels: Make, tmp_path: Path) -> None:
    """From the file to the report, with a log of answers; nothing that only crafting needs is installed there."""
    told_by_labels().save(tmp_path / "own.mprint")

    line = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "own.mprint"), str(tmp_path / "answers.jsonl")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)

    assert done.stdout == "copy True\n", done.stderr
