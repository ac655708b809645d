"""Sections beside the rates say so where there is nothing to show."""

import pytest

from modelprint.bench.contents import RunContents
from modelprint.bench.detection import evidence
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.score import score
from modelprint.bench.record import RunRecord, TargetRecord

EMPTY = DetectionResults(contents=RunContents(record=RunRecord(plan="p", scale="smoke")))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (evidence.distances, "No suspect was observed yet."),
        (evidence.missed_goals, "No suspect was observed yet."),
        (evidence.false_alarms, "No control was observed."),
        (evidence.samples, "No sealed fingerprint lies in the folder."),
    ],
)
def test_an_empty_run_has_no_tables(build: object, said: str) -> None:
    """One sentence in place of each."""
    assert callable(build)
    section = build(EMPTY, score([]))

    assert (section.text, section.grids) == ((said,), ())


def test_rates_of_the_paper_above_their_ceiling_are_listed() -> None:
    """Where the paper has a table about these data."""
    record = RunRecord(plan="p", scale="smoke", target=TargetRecord(data="cifar10"))
    section = evidence.ceilings(DetectionResults(contents=RunContents(record=record)), score([]))

    assert "12 of 23 of PublicCheck's, 3 of 23 of MiSentry's are above" in section.text[-1]
    assert len(section.grids[0].rows) == 15
    assert evidence.ceilings(EMPTY, score([])).grids == ()
