"""Methods beside each other: what a fingerprint costs, what becomes of its samples, and the best method of each row.

Fingerprints of one method in both forms belong together when their names say so: `ssf` and `ssf-float`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from modelprint.bench.detection.record import FingerprintRecord
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.table import Line, Table
from modelprint.pages.grids import (
    NONE,
    Grid,
    Section,
    Value,
    format_value,
    mean,
    numbers,
    percent,
    two_digits,
    words,
)

COMPARED = (1, 5)
"""Numbers of samples asked at which methods are compared."""

FLOATS = "-float"
"""Ends the name of a fingerprint in floats that belongs to one in eight bits."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One method in its two forms.

    Attributes:
        name: Of the fingerprint, without the ending.
        sealed: Name of the one in eight bits; empty when there is none.
        floats: Name of the one in floats; empty when there is none.
    """

    name: str
    sealed: str = ""
    floats: str = ""


def methods(run: DetectionResults, table: Table) -> Section:
    """What each fingerprint costs, and which sees most."""
    names = [name for name in run.order if name in table.fingerprints]
    grids = [_costs(run)] if run.order else []
    for n in (n for n in COMPARED if n in table.ns and len(names) > 1):
        grids.append(_rows(run, table, n))
    text = (
        "Seconds are those of one thread for a sample that was kept, labelling, calibration and ordering included. "
        "Shares are of the samples crafted. A sample is lost to rounding when eight bits change its label, to "
        "steadiness when honest serving may. The probability is the target's for its own label.",
        "In the tables that follow the largest rate of a line is bold, among the samples that travel as eight-bit "
        "images, and, small or in brackets, among those in floats, which are never rounded and not asked to be steady.",
    )
    return Section(
        name="methods",
        title="Methods beside each other",
        text=text[: 1 + (len(grids) > 1)] if grids else ("No fingerprint was made yet.",),
        grids=tuple(grids),
    )


def pairs(run: DetectionResults, names: Iterable[str]) -> list[Pair]:
    """Return the methods of these fingerprints, in their order."""
    forms = {one.fingerprint: one.form for one in run.observations}
    found: dict[str, Pair] = {}
    for name in names:
        base = name.removesuffix(FLOATS)
        pair = found.get(base, Pair(name=base))
        found[base] = replace(pair, floats=name) if forms.get(name) == "float" else replace(pair, sealed=name)
    return list(found.values())


def _costs(run: DetectionResults) -> Grid:
    rows = []
    for name in run.order:
        made = run.record.fingerprints.get(name, FingerprintRecord())
        rows.append(
            (
                *words(name, format_value(made.method), format_value(made.form)),
                *numbers(
                    two_digits(made.seconds / made.samples) if made.seconds is not None and made.samples else NONE
                ),
                *numbers(format_value(made.crafted)),
                *numbers(*(_share(made, lost) for lost in (made.given_up, made.lost_rounding, made.lost_steadiness))),
                *numbers(format_value(made.kept)),
                *numbers(two_digits(made.median_l2), format_value(made.median_confidence)),
            )
        )
    head = (
        *words("fingerprint", "method", "form"),
        *numbers("s per sample", "crafted", "given up, %", "lost to rounding, %", "lost to steadiness, %", "kept"),
        *numbers("median L2", "median top-1 probability"),
    )
    return Grid(caption="What a sample costs and what becomes of it.", head=head, rows=tuple(rows))


def _share(made: FingerprintRecord, part: int | None) -> str:
    return NONE if part is None or not made.crafted else percent(part / made.crafted)


def _rows(run: DetectionResults, table: Table, n: int) -> Grid:
    """Return every line in its row and every method in its column, with the means first."""
    columns = pairs(run, [name for name in run.order if name in table.fingerprints])
    lines = [line for line in table.lines if not line.control]
    means = tuple(_compare_rates(columns, {name: _mean(table, lines, name, n) for name in table.fingerprints}))
    rows = [(*words("Mean of all lines", NONE, NONE), *means)]
    for line in lines:
        found = {name: _rate(table, line, name, n) for name in table.fingerprints}
        rows.append((*words(line.row, line.made_by, line.batch_norm or NONE), *_compare_rates(columns, found)))
    head = (*words("row", "tampering", "batch norm"), *numbers(*(pair.name for pair in columns)))
    caption = f"Detection rates with N = {n}, drawn at random, in per cent; small or in brackets those in floats."
    return Grid(caption=caption, head=head, rows=tuple(rows), means=1)


def _rate(table: Table, line: Line, name: str, n: int) -> float | None:
    cell = table.cell(line, name, n)
    return None if cell is None else cell.rate


def _mean(table: Table, lines: Sequence[Line], name: str, n: int) -> float | None:
    return mean(_rate(table, line, name, n) for line in lines)


def _compare_rates(columns: Sequence[Pair], rates: Mapping[str, float | None]) -> Iterable[Value]:
    """Yield the rates of one line, the best of each form made to stand out."""
    best_sealed = _best([rates.get(pair.sealed) for pair in columns])
    best_floats = _best([rates.get(pair.floats) for pair in columns])
    for pair in columns:
        sealed, floats = rates.get(pair.sealed), rates.get(pair.floats)
        yield Value(
            text=percent(sealed),
            note="" if floats is None else percent(floats),
            number=True,
            heat=sealed,
            strong=sealed is not None and sealed == best_sealed,
            note_strong=floats is not None and floats == best_floats,
        )


def _best(rates: Iterable[float | None]) -> float | None:
    """Return the largest rate; None where all are equal, so that no method is best."""
    known = [rate for rate in rates if rate is not None]
    return max(known) if known and max(known) > min(known) else None
