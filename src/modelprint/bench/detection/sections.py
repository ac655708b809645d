"""What a report says about detection, section by section."""

from collections.abc import Callable, Iterable

from modelprint.bench.detection import evidence
from modelprint.bench.detection.by_output import outputs
from modelprint.bench.detection.by_setting import settings
from modelprint.bench.detection.comparison import methods
from modelprint.bench.detection.published import COLUMNS
from modelprint.bench.detection.record import FingerprintRecord
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.table import RANDOM, Cell, Line, Table
from modelprint.bench.study import Setup
from modelprint.pages.grids import (
    NONE,
    Grid,
    Item,
    Section,
    Value,
    format_value,
    mean,
    numbers,
    percent,
    points,
    two_digits,
    words,
)

SHOWN = (1, 5)
"""Numbers of samples in the main table; the paper prints the same."""

WIDE = 8
"""A main table of more fingerprints than these is folded: the methods stand beside each other in another one."""


def all_sections(run: DetectionResults, table: Table) -> tuple[Section, ...]:
    """Return all sections about detection that have something to say."""
    builders: tuple[Callable[[DetectionResults, Table], Section | None], ...] = (
        rates,
        differences,
        methods,
        outputs,
        settings,
        selections,
        evidence.distances,
        evidence.missed_goals,
        evidence.false_alarms,
        evidence.ceilings,
        evidence.samples,
    )
    return tuple(section for build in builders if (section := build(run, table)) is not None)


def setup(run: DetectionResults) -> Setup:
    """Return how the numbers about detection were computed."""
    suspects = [one for found in evidence.suspects(run).values() for one in found]
    reached = sum(one.goal_reached for one in suspects)
    lines = len(evidence.suspects(run))
    text = (
        "A suspect is seen by a sample when its top-1 label differs from the sealed one. N samples are drawn without "
        "replacement; the rate is the exact probability that at least one of them sees the suspect, and its mean over "
        "the suspects of a line. Intervals are 95 %, by bootstrap over models and samples. Suspects that missed their "
        "goal are listed and not counted. Batch norm: train lets the running statistics move, frozen keeps them.",
        *(
            f"Settings of {name}: {format_value(made.settings)}."
            for name in run.order
            if (made := _fingerprint_record(run, name)).settings
        ),
    )
    return Setup(
        facts=(("suspects", f"{len(suspects)} on {lines} lines; {reached} reached their goal"),),
        text=text,
        grids=_fingerprint_grids(run),
    )


def _fingerprint_record(run: DetectionResults, name: str) -> FingerprintRecord:
    return run.record.fingerprints.get(name, FingerprintRecord())


def _fingerprint_grids(run: DetectionResults) -> tuple[Grid, ...]:
    """Return what each fingerprint is, as far as the record says it."""
    rows = []
    for name in run.order:
        made = _fingerprint_record(run, name)
        counts = (made.samples, made.crafted, made.lost_rounding, made.lost_steadiness, made.kept)
        rows.append(
            (
                *words(name, format_value(made.method), format_value(made.form), format_value(made.profile)),
                *numbers(*map(format_value, counts)),
                *numbers(format_value(made.median_confidence), format_value(made.median_l2), two_digits(made.floor)),
            )
        )
    head = (
        *words("fingerprint", "method", "form", "profile"),
        *numbers("samples", "crafted", "lost to rounding", "lost to noise", "kept"),
        *numbers("median confidence", "median L2", "noise floor"),
    )
    return (Grid(caption="Fingerprints; the floor is in logits.", head=head, rows=tuple(rows)),) if rows else ()


def rates(run: DetectionResults, table: Table) -> Section:
    """The main table."""
    lines = [line for line in table.lines if not line.control]
    columns = _paper_columns(run)
    head = (
        *words("row", "tampering", "batch norm"),
        Value(text="models", number=True),
        *(
            Value(text=name, note=f"N = {n}", number=True)
            for name in _fingerprint_names(run, table)
            for n in _sample_counts(table)
        ),
        *(Value(text=f"paper: {method}", note=f"N = {n}", number=True) for method, n in columns),
    )
    rows = tuple(_rates_row(run, table, line, columns) for line in lines)
    if not rows:
        return Section(name="rates", title="Detection rates", text=("No suspect was observed yet.",))
    caption = "Detection rates in per cent, with their 95 % intervals."
    if run.published:
        caption += (
            f" Beside them {run.published.title}, of the MiSentry paper (network: {run.published.network}). Marked: "
            "more than 15 points from the paper at N = 1, or fewer models counted than were made."
        )
    wide = len(table.fingerprints) > WIDE
    return Section(
        name="rates",
        title="Detection rates",
        text=("Fingerprint by fingerprint below; this table has their intervals and is on the page.",) if wide else (),
        grids=(Grid(caption=caption, head=head, rows=rows, folded=wide),),
    )


def _fingerprint_names(run: DetectionResults, table: Table) -> list[str]:
    """Return the fingerprints of the table, in the order of the plan."""
    return [name for name in run.order if name in table.fingerprints]


def _sample_counts(table: Table) -> list[int]:
    """Return the numbers of samples in the main table."""
    return [n for n in SHOWN if n in table.ns] or list(table.ns[:1])


def _paper_columns(run: DetectionResults) -> list[tuple[str, int]]:
    """Return the columns of the paper that have a counterpart here; MiSentry's when none has."""
    if run.published is None:
        return []
    ours = {COLUMNS[one.method] for one in run.observations if one.method in COLUMNS} or {COLUMNS["misentry"]}
    return [column for column in run.published.columns if column[0] in ours]


def _rates_row(
    run: DetectionResults, table: Table, line: Line, columns: Iterable[tuple[str, int]]
) -> tuple[Value, ...]:
    cells = [table.cell(line, name, n) for name in _fingerprint_names(run, table) for n in _sample_counts(table)]
    there = [cell for cell in cells if cell is not None]
    counted = max(cell.models for cell in there)
    everyone = max(cell.models + cell.goal_missed for cell in there)
    models = str(counted) if counted == everyone else f"{counted} of {everyone}"
    published = [run.published.rate(line.row, *column) if run.published else None for column in columns]
    return (
        *words(line.row, line.made_by, line.batch_norm or NONE),
        Value(text=models, number=True, marked=counted < everyone),
        *(_rate(cell) for cell in cells),
        *(Value(text=percent(rate), number=True, heat=rate) for rate in published),
    )


def _rate(cell: Cell | None) -> Value:
    if cell is None or cell.rate is None:
        return Value(text=NONE, number=True)
    interval = f"{percent(cell.low, 0)} to {percent(cell.high, 0)}"
    return Value(text=percent(cell.rate), note=interval, number=True, heat=cell.rate, marked=cell.far and cell.n == 1)


def differences(run: DetectionResults, table: Table) -> Section:
    """Which rows are far from the paper's, and why."""
    title, far = "Rows that differ from the paper by more than 15 points", far_cells(table)
    remarked = [row for row in run.contents.remarks if any(line.row == row for line in table.lines)]
    rows = dict.fromkeys([*(cell.line.row for cell in far), *remarked])
    items = []
    for row in rows:
        lines = dict.fromkeys(cell.line for cell in far if cell.line.row == row)
        compared = tuple(_comparison_line(line, [cell for cell in far if cell.line == line]) for line in lines)
        remark = tuple(part for part in run.contents.remarks.get(row, "").split("\n\n") if part.strip())
        items.append(Item(title=row, points=compared or ("within 15 points",), remark=remark))
    if run.published is None:
        text: tuple[str, ...] = ("The paper has no table about this target.",)
    elif not any(cell.difference is not None for cell in table.cells):
        text = ("No fingerprint was crafted by a method of the paper on a row that it has, so nothing is compared.",)
    else:
        ours = {cell.line.row for cell in table.cells if cell.n == 1 and cell.difference is not None}
        rows_far = {cell.line.row for cell in far}
        text = (
            f"Compared at N = 1, in points: {len(rows_far)} of {len(ours)} rows have a line that is far. The paper's "
            "suspects and ours are not the same: it says neither how far its own moved nor which batch-norm mode they "
            "had.",
        )
    return Section(name="differences", title=title, text=(*text, *_ours_alone(run, table)), items=tuple(items))


def _ours_alone(run: DetectionResults, table: Table) -> Iterable[str]:
    """Yield which rows the paper does not have: tamperings of ours, or a mistake in the plan."""
    rows = dict.fromkeys(line.row for line in table.lines if not line.control)
    if alone := [row for row in rows if run.published and row not in run.published.rows]:
        yield f"Rows that the paper does not have: {'; '.join(alone)}."


def far_cells(table: Table) -> list[Cell]:
    """Return the cells that are compared with the paper and far from it."""
    return [cell for cell in table.cells if cell.n == 1 and cell.selection == RANDOM and cell.far]


def _comparison_line(line: Line, far: Iterable[Cell]) -> str:
    """Return what the fingerprints see of a line beside what the paper prints."""
    mode = f" ({line.batch_norm})" if line.batch_norm else ""
    each = (
        f"{cell.fingerprint} {percent(cell.rate)} against {percent(cell.published)} ({points(cell.difference or 0.0)})"
        for cell in far
    )
    return f"{line.made_by}{mode}: {', '.join(each)}"


def selections(run: DetectionResults, table: Table) -> Section:
    """What other choices of the samples would see."""
    text = (
        "random: N samples drawn without replacement. The others ask the first N of an order that was fixed without "
        "the suspects: manc covers the neurons of the target, greedy the zoo models; manc-bags does what manc does in "
        "each of many random subsets of the samples. Means over all lines that have a rate.",
    )
    return Section(
        name="selections",
        title="Detection against the number of samples",
        text=text if table.cells else ("No suspect was observed yet.",),
        grids=(_mean_grid(run, table), _line_grid(run, table)) if table.cells else (),
    )


def _mean_grid(run: DetectionResults, table: Table) -> Grid:
    rows = []
    for name in _fingerprint_names(run, table):
        for selection in table.selections:
            found = [c for c in table.cells if (c.fingerprint, c.selection) == (name, selection) and not c.line.control]
            if found:
                means = [mean(cell.rate for cell in found if cell.n == n) for n in table.ns]
                rows.append((*words(name, selection), *(_heat_value(rate) for rate in means)))
    head = (*words("fingerprint", "selection"), *numbers(*(f"N = {n}" for n in table.ns)))
    return Grid(caption="Mean detection rates in per cent.", head=head, rows=tuple(rows))


def _line_grid(run: DetectionResults, table: Table) -> Grid:
    pairs = [(selection, n) for n in table.ns for selection in table.selections]
    rows = []
    for line in table.lines:
        for name in _fingerprint_names(run, table):
            cells = [table.cell(line, name, n, selection) for selection, n in pairs]
            if any(cell is not None and cell.rate is not None for cell in cells) and not line.control:
                values = [_heat_value(cell.rate if cell else None) for cell in cells]
                rows.append((*words(line.row, line.made_by, name), *values))
    head = (
        *words("row", "tampering", "fingerprint"),
        *(Value(text=selection, note=f"N = {n}", number=True) for selection, n in pairs),
    )
    return Grid(caption="Line by line, in per cent.", head=head, rows=tuple(rows), folded=True)


def _heat_value(rate: float | None) -> Value:
    return Value(text=percent(rate), number=True, heat=rate)
