"""Sections about detection: which rows are far from the paper's, and how the numbers came about."""

from dataclasses import replace

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.record import DetectionRecord, FingerprintRecord
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.score import score
from modelprint.bench.detection.sections import all_sections, far_cells, setup
from modelprint.bench.detection.table import Cell, Line
from modelprint.bench.record import RunRecord

NEAR = Cell(
    line=Line(row="Pruning", kind="prune-20"),
    fingerprint="misentry",
    selection="random",
    n=1,
    rate=0.5,
    models=1,
    goal_missed=0,
    published=0.6,
)


def test_a_cell_is_far_from_15_points_on() -> None:
    """With one sample drawn at random; other numbers and selections are not compared."""
    far = replace(NEAR, rate=0.2)
    table = replace(score([]), cells=(NEAR, far, replace(far, n=5), replace(far, selection="manc")))

    assert far_cells(table) == [far]


def test_the_setup_shows_what_the_record_knows_of_fingerprints() -> None:
    """Counts, medians, the floor; what is not known is a dash."""
    made = FingerprintRecord(method="ssf", form="8-bit", profile="fp32", samples=3, crafted=5, floor=2.4e-5)
    contents = RunContents(record=RunRecord(plan="p", scale="smoke"))

    grid = setup(DetectionResults(contents=contents, record=DetectionRecord(fingerprints={"a": made}))).grids[0]

    assert [value.text for value in grid.rows[0]] == [
        *("a", "ssf", "8-bit", "fp32", "3", "5", "-", "-", "-", "-", "-", "2.4e-05")
    ]
    assert setup(DetectionResults(contents=contents)).grids == ()


def test_sections_that_only_some_plans_ask_for_are_left_out() -> None:
    """Forms of answers and curves over a setting."""
    names = [
        section.name
        for section in all_sections(
            DetectionResults(contents=RunContents(record=RunRecord(plan="p", scale="smoke"))), score([])
        )
    ]

    assert "rates" in names
    assert not {"outputs", "settings"} & set(names)
