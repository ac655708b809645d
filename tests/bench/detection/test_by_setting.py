"""Lines that differ in the value of one setting make a curve."""

from collections.abc import Mapping

import pytest

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.by_setting import settings, sweeps
from modelprint.bench.detection.record import DetectionRecord, FingerprintRecord
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.table import Cell, Line, Table
from modelprint.bench.record import RunRecord

RUN = DetectionResults(
    contents=RunContents(record=RunRecord(plan="p", scale="smoke")),
    record=DetectionRecord(fingerprints={"natural": FingerprintRecord()}),
)


def table_of(rates: Mapping[str, float], *, control: bool = False) -> Table:
    """Return what one fingerprint with one sample sees of suspects with these settings."""
    lines = {text: Line(row="Noise", kind="weight-noise", settings=text, control=control) for text in rates}
    cells = (
        Cell(line=lines[text], fingerprint="natural", selection="random", n=1, rate=rate, models=1, goal_missed=0)
        for text, rate in rates.items()
    )
    return Table(
        lines=tuple(lines.values()),
        fingerprints=("natural",),
        selections=("random",),
        ns=(1,),
        cells=tuple(cells),
        false_alarms=(),
    )


def test_a_curve_goes_from_the_smallest_value_to_the_largest() -> None:
    """Whatever way their texts would sort."""
    table = table_of({"share 0.1": 0.8, "share 1e-05": 0.1, "share 0.02": 0.5})

    (sweep,) = sweeps(table)
    section = settings(RUN, table)

    assert (sweep.title, sweep.setting) == ("Noise: weight-noise", "share")
    assert sweep.curve(table, "natural", 1) == ((1e-5, 0.1), (0.02, 0.5), (0.1, 0.8))
    assert sweep.curve(table, "natural", 5) == ()
    assert section is not None
    assert [value.text for value in section.grids[0].head] == [
        *("fingerprint", "N", "share 1e-05", "share 0.02", "share 0.1")
    ]
    assert [value.text for value in section.grids[0].rows[0]] == ["natural", "1", "10.0", "50.0", "80.0"]


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("share 0.1", "share 0.2"), id="two values"),
        pytest.param(("share 0.1", "share 0.2", "share 0"), id="no logarithm"),
        pytest.param(("network a", "network b", "network c"), id="words"),
        pytest.param(("a 1, b 2", "a 2, b 3", "a 3, b 4"), id="two settings"),
        pytest.param(("a 1", "b 2", "c 3"), id="one value each"),
        pytest.param(("",), id="no settings"),
    ],
)
def test_other_lines_make_no_curve(texts: tuple[str, ...]) -> None:
    """There is no section then."""
    table = table_of(dict.fromkeys(texts, 0.5))

    assert sweeps(table) == []
    assert settings(RUN, table) is None


def test_controls_make_no_curve() -> None:
    """What they show is no detection."""
    assert sweeps(table_of({f"size {n}": 0.1 for n in (1, 2, 3)}, control=True)) == []
