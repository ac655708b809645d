"""Sections about C-examples, and about which question each method answers."""

from collections.abc import Callable
from dataclasses import asdict

from modelprint.bench.contents import RunContents
from modelprint.bench.lines import SuspectId
from modelprint.bench.ownership.examples import example_scores, examples, questions, settings_of
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.record import ExamplesRecord, OwnershipRecord
from modelprint.bench.ownership.results import OwnershipResults
from modelprint.bench.record import RunRecord
from modelprint.ownership import CExamples

Found = Callable[..., OwnershipObservation]


class Alarm:
    """A line of another study."""

    def __init__(self, suspect: SuspectId, is_alarm: bool) -> None:
        self.key, self.suspect, self.is_alarm, self.fingerprint = repr(suspect), suspect, is_alarm, "natural"

    def to_line(self) -> str:
        return ""


def results(*lines: OwnershipObservation | Alarm, **made: ExamplesRecord) -> OwnershipResults:
    """Return the results of a run with these lines."""
    contents = RunContents(record=RunRecord(plan="p", scale="smoke"), lines=lines)
    return OwnershipResults(contents=contents, record=OwnershipRecord(alpha=0.5, examples=made))


def test_examples_stand_beside_their_row_of_the_paper(found: Found) -> None:
    """Two of ten labels are kept by the only other model; settings that cannot be read have no row of the paper."""
    lines = [found("homologous-0", 0.1, kept={"x": 2}), found("extract-labels", 0.9, kept={"x": 9})]
    run = results(*lines, x=ExamplesRecord(settings=asdict(CExamples()), examples=10))

    ((score, published),) = example_scores(run).values()
    section = examples(run)

    assert (score.transfer.counts, published is not None and published.transfer) == ((2,), 68)
    assert section is not None
    assert [value.text for value in section.grids[0].rows[0][:4]] == ["x", "10", "20.0", "68"]
    assert settings_of(results(x=ExamplesRecord(settings={"colour": 3})), "x") is None
    assert examples(results()) is None


def test_why_there_are_none_is_shown(found: Found) -> None:
    """A setting that gives no examples is a result."""
    section = examples(results(found("none", 0.9), x=ExamplesRecord(problem="no label was reached")))

    assert section is not None
    assert section.text[-1] == "x: no label was reached."


def test_the_same_suspects_are_compared(found: Found) -> None:
    """An alarm is counted where its suspect is one that ownership was tested for."""
    copy, other = found("extract-labels", 0.9), found("homologous-0", 0.1)
    unknown = SuspectId(row="x", kind="x", seed=0, settings="{}")

    section = questions(
        results(copy, other, Alarm(copy.suspect, True), Alarm(other.suspect, False), Alarm(unknown, True))
    )

    assert section is not None
    assert [[value.text for value in row[:3]] for row in section.grids[0].rows] == [
        ["extracted", "1", "1 of 1"],
        ["unrelated", "1", "0 of 1"],
    ]
    assert questions(results(copy)) is None
