"""The sections of a report that belong to no study: how numbers were computed, how long it took, what went wrong."""

from collections.abc import Collection, Mapping, Sequence

from modelprint.bench.contents import RunContents
from modelprint.bench.record import TargetRecord
from modelprint.bench.study import Setup
from modelprint.pages.grids import Grid, Item, Section, Value, duration, format_value, numbers, percent, words


def setup_section(run: RunContents, parts: Sequence[Setup]) -> Section:
    """Return how the numbers were computed: the record, and what each study adds to it."""
    record = run.record
    facts = (
        ("plan", format_value(record.plan)),
        ("scale", format_value(record.scale)),
        ("seed", format_value(record.seed)),
        *_target_facts(record.target),
        *(fact for part in parts for fact in part.facts),
        ("observations", f"{len(run.lines)} of {record.planned} planned"),
        ("executor", format_value(record.executor)),
        ("versions", format_value(record.versions)),
        ("begun", format_value(record.created)),
    )
    return Section(
        name="setup",
        title="Setup",
        code=record.command,
        facts=facts,
        text=tuple(text for part in parts for text in part.text),
        grids=tuple(grid for part in parts for grid in part.grids),
    )


def _target_facts(target: TargetRecord) -> list[tuple[str, str]]:
    """Return what the record says about the target."""
    accuracy = "" if target.accuracy is None else f"{percent(target.accuracy, 2)} %"
    facts = {
        "target": target.name,
        "network": target.network,
        "data": target.data,
        "test accuracy": accuracy,
        "classes": target.class_count or "",
        "training images": target.train_images or "",
        "test images": target.test_images or "",
        "model, SHA-256": target.model_sha256,
        "data, SHA-256": target.data_sha256,
    }
    return [(label, format_value(value)) for label, value in facts.items() if value != ""]


def times_section(run: RunContents) -> Section:
    """Return how long each part took."""
    parts: dict[str, list[float]] = {}
    stages: dict[str, list[float]] = {}
    for timing in run.timings:
        parts.setdefault(timing.part, []).append(timing.seconds)
        stages.setdefault(timing.stage, []).append(timing.seconds)
    head = (*words("part"), *numbers("jobs", "together", "each"))
    total = duration(sum((timing.seconds for timing in run.timings), start=0.0))
    grids = (
        Grid(caption="By kind of job.", head=head, rows=_time_rows(stages)),
        Grid(caption="By part.", head=head, rows=_time_rows(parts), folded=True),
    )
    return Section(
        name="times",
        title="How long each part took",
        text=(f"One worker would have needed {total}.",) if parts else ("No job was timed.",),
        grids=grids if parts else (),
    )


def _time_rows(parts: Mapping[str, Sequence[float]]) -> tuple[tuple[Value, ...], ...]:
    """Return a row for each part, the longest first."""
    return tuple(
        (*words(part), *numbers(str(len(took)), duration(sum(took)), duration(sum(took) / len(took))))
        for part, took in sorted(parts.items(), key=lambda entry: -sum(entry[1]))
    )


def problems_section(run: RunContents, unread: Collection[str]) -> Section:
    """Return what went wrong; `unread` is what the studies could not read."""
    observed = {line.suspect.row for line in run.lines}
    unknown = [f"a remark is about {row!r}, a row that was not observed" for row in run.remarks if row not in observed]
    items = tuple(Item(points=(text,)) for text in (*run.problems, *unread, *unknown))
    return Section(name="problems", title="Problems", text=() if items else ("None.",), items=items)
