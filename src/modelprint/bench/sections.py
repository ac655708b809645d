"""What a report says, section by section; `report` turns it into Markdown and HTML."""

from collections.abc import Callable, Iterable, Mapping

from modelprint.bench import evidence
from modelprint.bench.by_output import outputs
from modelprint.bench.by_setting import settings
from modelprint.bench.comparison import methods
from modelprint.bench.ownership import examples
from modelprint.bench.ownership import sections as whose
from modelprint.bench.published import COLUMNS
from modelprint.bench.reading import Run
from modelprint.bench.score import RANDOM, Cell, Line, Table
from modelprint.pages.grids import (
    NONE,
    Grid,
    Item,
    Section,
    Value,
    format_value,
    mapping,
    mean,
    number,
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

TARGET_FACTS = {
    "name": "target",
    "network": "network",
    "data": "data",
    "accuracy": "test accuracy",
    "class_count": "classes",
    "train_images": "training images",
    "test_images": "test images",
    "model_sha256": "model, SHA-256",
    "data_sha256": "data, SHA-256",
}


def sections(run: Run, table: Table) -> tuple[Section, ...]:
    """Return all sections of a report that have something to say, the protocol first."""
    builders: tuple[Callable[[Run, Table], Section | None], ...] = (
        protocol,
        whose.ownership,
        whose.judged,
        whose.overlaps,
        whose.border,
        examples.examples,
        examples.questions,
        whose.models,
        rates,
        differences,
        methods,
        outputs,
        settings,
        selections,
        evidence.moved,
        evidence.missed,
        evidence.false_alarms,
        evidence.ceilings,
        evidence.samples,
        evidence.times,
        evidence.problems,
    )
    return tuple(section for build in builders if (section := build(run, table)) is not None)


def protocol(run: Run, table: Table) -> Section:
    """How the numbers came to be."""
    told, target = run.protocol, mapping(run.protocol.get("target"))
    known = [(label, _target_fact(key, target[key])) for key, label in TARGET_FACTS.items() if key in target]
    others = [(f"target, {key}", format_value(value)) for key, value in target.items() if key not in TARGET_FACTS]
    everyone = evidence.suspects(run)
    counted = sum(one.goal_reached for found in everyone.values() for one in found)
    facts = [
        ("plan", format_value(told.get("plan"))),
        ("scale", format_value(told.get("scale"))),
        ("seed", format_value(told.get("seed"))),
        *known,
        *others,
        ("suspects", f"{sum(map(len, everyone.values()))} on {len(everyone)} lines; {counted} reached their goal"),
        ("observations", f"{len(run.observations) + len(run.findings)} of {format_value(told.get('planned'))} planned"),
        (
            "executor",
            format_value(told.get("executor")) + (f", {told['workers']} workers" if told.get("workers") else ""),
        ),
        ("versions", format_value(told.get("versions"))),
        ("begun", format_value(told.get("created"))),
    ]
    settings = {name: mapping(_fingerprint_facts(run, name).get("settings")) for name in run.order}
    text = (
        "A suspect is seen by a sample when its top-1 label differs from the sealed one. N samples are drawn without "
        "replacement; the rate is the exact probability that at least one of them sees the suspect, and its mean over "
        "the suspects of a line. Intervals are 95 %, by bootstrap over models and samples. Suspects that missed their "
        "goal are listed and not counted. Batch norm: train lets the running statistics move, frozen keeps them.",
        *(f"Settings of {name}: {format_value(some)}." for name, some in settings.items() if some),
    )
    return Section(
        name="protocol",
        title="Protocol",
        code=str(told.get("command") or ""),
        facts=tuple(facts),
        text=text,
        grids=_fingerprint_grids(run),
    )


def _target_fact(key: str, value: object) -> str:
    share = number(value)
    return f"{percent(share, 2)} %" if key == "accuracy" and share is not None else format_value(value)


def _fingerprint_facts(run: Run, name: str) -> Mapping[str, object]:
    return mapping(mapping(run.protocol.get("fingerprints")).get(name))


def _fingerprint_grids(run: Run) -> tuple[Grid, ...]:
    """Return what each fingerprint is, as far as the protocol tells."""
    columns: dict[str, Callable[[object], str]] = {
        "samples": format_value,
        "crafted": format_value,
        "lost_rounding": format_value,
        "lost_steadiness": format_value,
        "kept": format_value,
        "median_confidence": format_value,
        "median_l2": format_value,
        "floor": lambda value: two_digits(number(value)),
    }
    rows = []
    for name in run.order:
        facts = _fingerprint_facts(run, name)
        made = words(
            name, format_value(facts.get("method")), format_value(facts.get("form")), format_value(facts.get("profile"))
        )
        counts = numbers(*(read(facts.get(key)) for key, read in columns.items()))
        rows.append((*made, *counts))
    head = (
        *words("fingerprint", "method", "form", "profile"),
        *numbers("samples", "crafted", "lost to rounding", "lost to noise", "kept"),
        *numbers("median confidence", "median L2", "noise floor"),
    )
    return (Grid(caption="Fingerprints; the floor is in logits.", head=head, rows=tuple(rows)),) if rows else ()


def rates(run: Run, table: Table) -> Section:
    """The main table."""
    lines = [line for line in table.lines if not line.control]
    columns = _paper_columns(run)
    head = (
        *words("row", "tampering", "batch norm"),
        Value(text="models", number=True),
        *(Value(text=name, note=f"N = {n}", number=True) for name in _scored(run, table) for n in _asked(table)),
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


def _scored(run: Run, table: Table) -> list[str]:
    """Return the fingerprints of the table, in the order of the plan."""
    return [name for name in run.order if name in table.fingerprints]


def _asked(table: Table) -> list[int]:
    """Return the numbers of samples in the main table."""
    return [n for n in SHOWN if n in table.ns] or list(table.ns[:1])


def _paper_columns(run: Run) -> list[tuple[str, int]]:
    """Return the columns of the paper that have a counterpart here; MiSentry's when none has."""
    if run.published is None:
        return []
    ours = {COLUMNS[one.method] for one in run.observations if one.method in COLUMNS} or {COLUMNS["misentry"]}
    return [column for column in run.published.columns if column[0] in ours]


def _rates_row(run: Run, table: Table, line: Line, columns: Iterable[tuple[str, int]]) -> tuple[Value, ...]:
    cells = [table.cell(line, name, n) for name in _scored(run, table) for n in _asked(table)]
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


def differences(run: Run, table: Table) -> Section:
    """Which rows are far from the paper's, and why."""
    title, far = "Rows that differ from the paper by more than 15 points", far_cells(table)
    remarked = [row for row in run.remarks if any(line.row == row for line in table.lines)]
    rows = dict.fromkeys([*(cell.line.row for cell in far), *remarked])
    items = []
    for row in rows:
        lines = dict.fromkeys(cell.line for cell in far if cell.line.row == row)
        told = tuple(_compared(line, [cell for cell in far if cell.line == line]) for line in lines)
        remark = tuple(part for part in run.remarks.get(row, "").split("\n\n") if part.strip())
        items.append(Item(title=row, points=told or ("within 15 points",), remark=remark))
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


def _ours_alone(run: Run, table: Table) -> Iterable[str]:
    """Yield which rows the paper does not have: tamperings of ours, or a slip in the plan."""
    rows = dict.fromkeys(line.row for line in table.lines if not line.control)
    if alone := [row for row in rows if run.published and row not in run.published.rows]:
        yield f"Rows that the paper does not have: {'; '.join(alone)}."


def far_cells(table: Table) -> list[Cell]:
    """Return the cells that are compared with the paper and far from it."""
    return [cell for cell in table.cells if cell.n == 1 and cell.selection == RANDOM and cell.far]


def _compared(line: Line, far: Iterable[Cell]) -> str:
    """Return what the fingerprints see of a line beside what the paper prints."""
    mode = f" ({line.batch_norm})" if line.batch_norm else ""
    each = (
        f"{cell.fingerprint} {percent(cell.rate)} against {percent(cell.published)} ({points(cell.difference or 0.0)})"
        for cell in far
    )
    return f"{line.made_by}{mode}: {', '.join(each)}"


def selections(run: Run, table: Table) -> Section:
    """What other choices of the samples would see."""
    text = (
        "random: N samples drawn without replacement. The others ask the first N of an order that was fixed without "
        "the suspects: manc covers the neurons of the target, greedy the zoo models; manc-bags does what manc does in "
        "each of many bags of samples drawn at random. Means over all lines that have a rate.",
    )
    return Section(
        name="selections",
        title="Detection against the number of samples",
        text=text if table.cells else ("No suspect was observed yet.",),
        grids=(_mean_grid(run, table), _line_grid(run, table)) if table.cells else (),
    )


def _mean_grid(run: Run, table: Table) -> Grid:
    rows = []
    for name in _scored(run, table):
        for selection in table.selections:
            found = [c for c in table.cells if (c.fingerprint, c.selection) == (name, selection) and not c.line.control]
            if found:
                means = [mean(cell.rate for cell in found if cell.n == n) for n in table.ns]
                rows.append((*words(name, selection), *(_heated(rate) for rate in means)))
    head = (*words("fingerprint", "selection"), *numbers(*(f"N = {n}" for n in table.ns)))
    return Grid(caption="Mean detection rates in per cent.", head=head, rows=tuple(rows))


def _line_grid(run: Run, table: Table) -> Grid:
    pairs = [(selection, n) for n in table.ns for selection in table.selections]
    rows = []
    for line in table.lines:
        for name in _scored(run, table):
            cells = [table.cell(line, name, n, selection) for selection, n in pairs]
            if any(cell is not None and cell.rate is not None for cell in cells) and not line.control:
                values = [_heated(cell.rate if cell else None) for cell in cells]
                rows.append((*words(line.row, line.made_by, name), *values))
    head = (
        *words("row", "tampering", "fingerprint"),
        *(Value(text=selection, note=f"N = {n}", number=True) for selection, n in pairs),
    )
    return Grid(caption="Line by line, in per cent.", head=head, rows=tuple(rows), folded=True)


def _heated(rate: float | None) -> Value:
    return Value(text=percent(rate), number=True, heat=rate)
