"""Detection by form of the answers, as in the SSF paper's Tables III to VI."""

from collections.abc import Iterable

from modelprint.bench.detection.outputs import LABEL, OUTPUTS
from modelprint.bench.detection.published import outputs_of
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.table import Cell, Line, Table
from modelprint.pages.grids import NONE, Grid, Section, Value, percent, words


def outputs(run: DetectionResults, table: Table) -> Section | None:
    """What each form of answers shows of each line; None when the plan asks for the label alone."""
    forms = forms_of(run)
    if not forms:
        return None
    grids = tuple(grid for line in table.lines for grid in _line_grid(run, table, line, forms))
    shown = "; ".join(f"{name}: {OUTPUTS[name].shows}" for name in forms)
    text = (
        f"A sample sees a suspect when the answer differs from the target's in what is shown. {shown}. Probabilities "
        "are computed in float64 and rounded half to even. Values alone may show less than the label does: most "
        "of them round to 0 or 1.",
    )
    return Section(
        name="outputs",
        title="Detection by output form",
        text=text if grids else (*text, "No observation has these forms yet: run the plan again."),
        grids=grids,
    )


def forms_of(run: DetectionResults) -> tuple[str, ...]:
    """Return the forms to show, the label first; none when the plan asks for no other."""
    return (LABEL, *(name for name in run.outputs if name != LABEL)) if set(run.outputs) - {LABEL} else ()


def _line_grid(run: DetectionResults, table: Table, line: Line, forms: tuple[str, ...]) -> Iterable[Grid]:
    """Yield the table of one line, if it was observed in any of the forms."""
    rows = []
    for name in (name for name in run.order if name in table.fingerprints):
        for selection in table.selections:
            for n in table.ns:
                cells = [table.cell(line, name, n, selection, form) for form in forms]
                if any(cell is not None and cell.rate is not None for cell in cells):
                    rows.append((*words(name, selection), _count(n), *map(_rate, cells)))
    if not any(cell.line == line for cell in table.by_output):
        return
    published = outputs_of(run.data, line.row)
    caption = f"{line.row}: {line.made_by}" + (", nothing changed" if line.control else "")
    if published is not None:
        caption += f". Below ours the SSF paper's {published.title} (network: {published.network})"
        for n in published.rows:
            rates = [published.rate(form, n) for form in forms]
            values = [Value(text=percent(rate), number=True, heat=rate) for rate in rates]
            rows.append((*words("paper: SSF", published.selection), _count(n), *values))
    head = (*words("fingerprint", "selection"), Value(text="N", number=True))
    columns = (Value(text=form, number=True) for form in forms)
    yield Grid(caption=f"{caption}. In per cent.", head=(*head, *columns), rows=tuple(rows))


def _count(n: int) -> Value:
    return Value(text=str(n), number=True)


def _rate(cell: Cell | None) -> Value:
    if cell is None or cell.rate is None:
        return Value(text=NONE, number=True)
    interval = f"{percent(cell.low, 0)} to {percent(cell.high, 0)}"
    return Value(text=percent(cell.rate), note=interval, number=True, heat=cell.rate)
