"""A report about ownership has sections where there are observations."""

from collections.abc import Callable

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.report import read_report
from modelprint.bench.record import RunRecord
from modelprint.bench.study import StudyReport

RECORD = RunRecord(plan="p", scale="smoke")


def test_sections_need_observations(found: Callable[..., OwnershipObservation]) -> None:
    """None without any; copies and verdicts come first."""
    lines = (found("extract-labels", 0.9), found("homologous-0", 0.1))

    empty, report = read_report(RunContents(record=RECORD)), read_report(RunContents(record=RECORD, lines=lines))

    assert isinstance(report, StudyReport)
    assert (empty.sections(), empty.drawings()) == ([], [])
    assert [section.name for section in report.sections()] == ["ownership", "judged", "border", "models"]
    assert [drawing.name for drawing in report.drawings()] == ["ownership", "border"]
    assert (report.tiles(), report.figures(), report.galleries(), report.problems) == ([], {}, {}, ())
