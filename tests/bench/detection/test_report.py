"""A report about detection of a run that has just begun."""

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.report import read_report
from modelprint.bench.record import RunRecord
from modelprint.bench.study import StudyReport

MADE = {"method": "natural", "samples": 3, "settings": {"steps": 9}}


def test_an_empty_run_has_its_sections_and_no_figures() -> None:
    """Each says that there is nothing yet; fingerprints that were made are in the setup."""
    record = RunRecord(plan="p", scale="smoke", studies={"detection": {"fingerprints": {"natural": MADE}}})

    report = read_report(RunContents(record=record))

    assert isinstance(report, StudyReport)
    assert [section.name for section in report.sections()] == [
        *("rates", "differences", "methods", "selections", "moved", "missed", "false-alarms", "ceilings", "samples")
    ]
    assert report.tiles()[0] == ("0", "rows")
    assert (report.figures(), report.drawings(), report.galleries(), report.problems) == ({}, [], {}, ())
    assert report.setup.facts == (("suspects", "0 on 0 lines; 0 reached their goal"),)
    assert "Settings of natural: steps 9." in report.setup.text
    assert [value.text for value in report.setup.grids[0].rows[0]][:5] == ["natural", "natural", "-", "-", "3"]
