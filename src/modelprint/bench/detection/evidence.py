"""What a report says beside the rates: how far suspects moved, which missed their goal, false alarms, ceilings."""

from collections.abc import Sequence

from modelprint.bench.detection.ceilings import beyond_ceiling
from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.published import Published
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.score import by_line
from modelprint.bench.detection.table import Line, Table
from modelprint.pages.grids import (
    NONE,
    Grid,
    Section,
    Value,
    mean,
    numbers,
    percent,
    two_digits,
    words,
)

MOVEMENT = ("parameters", "buffers", "logit_rms")


def suspects(run: DetectionResults) -> dict[Line, list[Observation]]:
    """Return one observation for each suspect, by line; which fingerprint it is about does not matter."""
    found: dict[Line, dict[int, Observation]] = {}
    for (line, _), some in by_line(run.observations).items():
        for one in some:
            found.setdefault(line, {}).setdefault(one.seed, one)
    return {line: list(some.values()) for line, some in found.items()}


def distances(run: DetectionResults, table: Table) -> Section:
    """How far the suspects are from the target."""
    found = suspects(run)
    rows = tuple(_moved_row(line, found[line]) for line in table.lines if line in found)
    head = (
        *words("row", "tampering", "batch norm"),
        *numbers("parameters", "buffers", "logits, RMS", "labels changed, %"),
        *numbers("accuracy before, %", "after, %", "steps"),
        *words("goal", "reached"),
    )
    text = (
        "Means over the suspects that reached their goal. Parameters and buffers: L2 distance, relative to the norm of "
        "the original's. Logits and labels: on the test images. A rate without these numbers is not comparable.",
    )
    caption = "Distance from the target."
    return Section(
        name="moved",
        title="Detection against the distance moved",
        text=text if rows else ("No suspect was observed yet.",),
        grids=(Grid(caption=caption, head=head, rows=rows),) if rows else (),
    )


def _moved_row(line: Line, found: Sequence[Observation]) -> tuple[Value, ...]:
    counted = [one for one in found if one.goal_reached]
    goals = " or ".join(dict.fromkeys(one.goal for one in found if one.goal))
    values = [one.goal_value for one in counted if one.goal_value is not None]
    reached = f"{len(counted)} of {len(found)}"

    def average(measure: str) -> float | None:
        return mean(one.movement.get(measure) for one in counted)

    steps = mean(float(one.steps) for one in counted)
    return (
        *words(line.row, line.made_by, line.batch_norm or NONE),
        *numbers(*(two_digits(average(measure)) for measure in MOVEMENT)),
        *numbers(percent(average("labels_changed"), 2)),
        *numbers(percent(average("accuracy_before"), 2), percent(average("accuracy_after"), 2)),
        *numbers(NONE if steps is None else f"{steps:.0f}"),
        Value(text=goals or NONE, note=_range(values)),
        Value(text=reached, marked=len(counted) < len(found)),
    )


def _range(values: Sequence[float]) -> str:
    """Return the values of a goal from the smallest to the largest."""
    if not values:
        return ""
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return f"reached {low}" if low == high else f"reached {low} to {high}"


def missed_goals(run: DetectionResults, table: Table) -> Section:
    """Which suspects did not become what they should."""
    found = suspects(run)
    failed = [(line, one) for line in table.lines for one in found.get(line, []) if not one.goal_reached]
    everyone = sum(map(len, found.values()))
    rows = tuple(
        (
            *words(line.row, line.made_by),
            *numbers(str(one.seed)),
            *words(one.goal or NONE),
            *numbers(NONE if one.goal_value is None else f"{one.goal_value:.3g}", str(one.steps)),
            *words(one.notes or NONE),
        )
        for line, one in failed
    )
    head = (*words("row", "tampering"), *numbers("seed"), *words("goal"), *numbers("reached", "steps"), *words("notes"))
    grid = Grid(caption="Not counted in any rate.", head=head, rows=rows)
    text = f"{len(failed)} of {everyone} suspects missed their goal." if failed else "Every suspect reached its goal."
    return Section(
        name="missed",
        title="Suspects that missed their goal",
        text=(text if everyone else "No suspect was observed yet.",),
        grids=(grid,) if rows else (),
    )


def false_alarms(run: DetectionResults, table: Table) -> Section:
    """What fingerprints say about classifiers in which nothing was changed."""
    controls = [line for line in table.lines if line.control]
    found = {alarm.fingerprint: alarm for alarm in table.false_alarms}
    rows = []
    for name in [name for name in run.order if name in found]:
        alarm = found[name]
        counts = numbers(str(alarm.controls), str(alarm.answers), str(alarm.mismatches))
        marked = Value(text=percent(alarm.upper, 2), number=True, marked=alarm.mismatches > 0)
        rows.append((*words(name), *counts, marked))
    head = (*words("fingerprint"), *numbers("controls", "answers", "mismatches", "rate below, %"))
    text = (
        "In these nothing was changed: "
        + ", ".join(dict.fromkeys(line.kind for line in controls))
        + ". Every mismatch is a false alarm. The bound is one-sided, 95 %, for one answer (Clopper-Pearson, as if "
        "answers were independent).",
    )
    return Section(
        name="false-alarms",
        title="False alarms",
        text=text if rows else ("No control was observed.",),
        grids=(Grid(caption="Answers of unchanged classifiers.", head=head, rows=tuple(rows)),) if rows else (),
    )


def ceilings(run: DetectionResults, table: Table) -> Section:
    """Which rates cannot be, given the rate at one sample."""
    ours = [cell for cell in table.cells if cell.n > 1 and cell.rate is not None and cell.ceiling is not None]
    above = [cell for cell in ours if (cell.rate or 0) > (cell.ceiling or 0) + 1e-9]
    text = [
        "The rate of a suspect is concave in its number of mismatches, so a mean over suspects is at most the rate at "
        "their mean number: samples drawn at random from one pool cannot exceed 1 - C(n - k, N) / C(n, N) with k = n "
        "times the rate at N = 1.",
        f"Ours: {len(above)} of {len(ours)} rates with more than one sample are above their ceiling.",
    ]
    grids: tuple[Grid, ...] = ()
    if run.published:
        methods = [method for method in run.published.methods if not method.startswith("SSF")]
        text.append(_paper_sentence(run.published, methods))
        grids = _ceiling_grids(run.published, methods)
    return Section(name="ceilings", title="Ceiling at more samples", text=tuple(text), grids=grids)


def _paper_sentence(published: Published, methods: Sequence[str]) -> str:
    parts = []
    for method in methods:
        columns = [n for name, n in published.columns if name == method and n > 1]
        if columns:
            count = len(beyond_ceiling(published, [method]))
            parts.append(f"{count} of {len(published.rows) * len(columns)} of {method}'s")
    if not parts:
        return "The paper prints no rate with more than one sample here."
    return (
        f"The paper's (n = 100, rounding allowed for): {', '.join(parts)} are above. So its N = 1 columns are what "
        "ours are compared with. SSF selects its samples, so nothing forbids its rates."
    )


def _ceiling_grids(published: Published, methods: Sequence[str]) -> tuple[Grid, ...]:
    rows = tuple(
        (
            *words(one.row, one.method),
            *numbers(percent(one.alone), f"{percent(one.rate)} (N = {one.n})", percent(one.ceiling)),
        )
        for one in beyond_ceiling(published, methods)
    )
    head = (*words("row", "method"), *numbers("N = 1", "printed", "at most"))
    caption = "Rates of the paper that are above their ceiling, in per cent."
    return (Grid(caption=caption, head=head, rows=rows, folded=True),) if rows else ()


def samples(run: DetectionResults, table: Table) -> Section:
    """Which samples are shown; the page has the pictures."""
    sealed = [f"{name} ({len(run.fingerprints[name].samples)})" for name in run.order if name in run.fingerprints]
    text = (
        f"The first of {', '.join(sealed)}; beside a sample the natural image it was made from, where the file has it."
        if sealed
        else "No sealed fingerprint lies in the folder."
    )
    return Section(name="samples", title="Samples", text=(text,))
