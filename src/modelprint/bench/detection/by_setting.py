"""Detection against a setting of a tampering, where a plan makes suspects with several values of one: a curve.

Such lines have row, kind and reference in common and differ in the value of one number, e.g. the share of the weights
that get noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.table import Line, Table
from modelprint.pages.grids import Grid, Section, Value, numbers, percent, words

FEWEST = 3
"""Values of a setting that make a curve."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Lines that differ in one setting.

    Attributes:
        title: Row and kind.
        setting: Its name.
        lines: Value of the setting -> the line, from the smallest value on.
    """

    title: str
    setting: str
    lines: Mapping[float, Line]

    def curve(self, table: Table, fingerprint: str, n: int) -> tuple[tuple[float, float], ...]:
        """Return (value, rate) wherever there is a rate with `n` samples drawn at random."""
        cells = {value: table.cell(line, fingerprint, n) for value, line in self.lines.items()}
        return tuple((value, cell.rate) for value, cell in cells.items() if cell is not None and cell.rate is not None)


def sweeps(table: Table) -> list[Sweep]:
    """Return the groups of lines that make a curve."""
    groups: dict[tuple[str, str, str, str, str], dict[float, Line]] = {}
    for line in table.lines:
        setting, _, text = line.settings.rpartition(" ")
        value = _positive(text)
        if value is not None and setting and "," not in setting and not line.control:
            place = (line.row, line.kind, line.batch_norm, line.reference, setting)
            groups.setdefault(place, {})[value] = line
    return [
        Sweep(title=row if row == kind else f"{row}: {kind}", setting=setting, lines=dict(sorted(lines.items())))
        for (row, kind, _, _, setting), lines in groups.items()
        if len(lines) >= FEWEST
    ]


def settings(run: DetectionResults, table: Table) -> Section | None:
    """The numbers of the curves; None when there are none."""
    found = sweeps(table)
    if not found:
        return None
    text = "Suspects of one kind with several values of one setting; N samples drawn at random."
    grids = tuple(_grid(run, table, sweep) for sweep in found)
    return Section(name="settings", title="Detection against a setting", text=(text,), grids=grids)


def _grid(run: DetectionResults, table: Table, sweep: Sweep) -> Grid:
    rows = []
    for name in (name for name in run.order if name in table.fingerprints):
        for n in table.ns:
            rates = dict(sweep.curve(table, name, n))
            if rates:
                values = (Value(text=percent(rates.get(v)), number=True, heat=rates.get(v)) for v in sweep.lines)
                rows.append((*words(name), Value(text=str(n), number=True), *values))
    head = (*words("fingerprint"), *numbers("N", *(f"{sweep.setting} {value:g}" for value in sweep.lines)))
    return Grid(caption=f"{sweep.title}. In per cent.", head=head, rows=tuple(rows))


def _positive(text: str) -> float | None:
    """Return a number that has a logarithm; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
