"""Scores: from the mismatches of suspects on fingerprints to detection rates, intervals and false alarms.

Nothing is simulated but the resampling of the intervals: the rate of a suspect is exact, that of a row is the mean over
its suspects. Suspects that missed their goal are counted and left out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.outputs import LABEL
from modelprint.bench.detection.published import COLUMNS, Published
from modelprint.bench.detection.random_subsets import seen_by_subsets
from modelprint.bench.detection.rates import REPETITIONS, Mismatches, ceiling, detection, interval
from modelprint.bench.detection.table import NS, RANDOM, SUBSETS, Cell, FalseAlarms, Line, Table
from modelprint.errors import BenchError
from modelprint.intervals import upper_bound


@dataclass(frozen=True, kw_only=True)
class _Scoring:
    """What all cells of a table share; see `score`."""

    ns: tuple[int, ...]
    published: Published | None
    subsets: Mapping[str, Sequence[str]]
    repetitions: int
    seed: int


def score(
    observations: Iterable[Observation],
    ns: Sequence[int] = NS,
    *,
    rows: Sequence[str] = (),
    published: Published | None = None,
    outputs: Sequence[str] = (),
    subsets: Mapping[str, Sequence[str]] = MappingProxyType({}),
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> Table:
    """Return the scores of all observations.

    Args:
        observations: In any order.
        ns: Numbers of samples asked.
        rows: Their order; those of `published` when there are none. Others follow by name.
        published: The paper's numbers about the same data.
        outputs: Forms of answers to score beside the label.
        subsets: By fingerprint, the order of each random subset; see `random_subsets`.
        repetitions: Tables drawn for an interval.
        seed: Of these draws.

    Raises:
        BenchError: Observations of one fingerprint on one line do not belong together.
    """
    groups = by_line(observations)
    known = rows or (tuple(published.rows) if published else ())
    place = {row: index for index, row in enumerate(known)}
    lines = sorted({line for line, _ in groups}, key=lambda line: (place.get(line.row, len(place)), line.order))
    fingerprints = sorted({name for _, name in groups})
    scoring = _Scoring(ns=tuple(ns), published=published, subsets=subsets, repetitions=repetitions, seed=seed)
    pairs = [(line, name) for line in lines for name in fingerprints if (line, name) in groups]

    def cells_in(output: str) -> Iterable[Cell]:
        return (cell for line, name in pairs for cell in _cells(line, name, groups[line, name], output, scoring))

    cells = tuple(cells_in(LABEL))
    selections = sorted({cell.selection for cell in cells} - {RANDOM})
    return Table(
        lines=tuple(lines),
        fingerprints=tuple(fingerprints),
        selections=(RANDOM, *selections),
        ns=scoring.ns,
        cells=cells,
        false_alarms=tuple(_false_alarms(groups)),
        by_output=tuple(cell for output in outputs if output != LABEL for cell in cells_in(output)),
    )


def by_line(observations: Iterable[Observation]) -> dict[tuple[Line, str], list[Observation]]:
    """Return the observations of each line and fingerprint, by seed.

    Suspects that differ only in the settings of their tampering belong to different lines, which are named by these
    settings.
    """
    found: dict[Line, dict[str, list[Observation]]] = {}
    for one in sorted(observations, key=lambda one: (one.seed, one.key)):
        line = Line(row=one.row, kind=one.kind, batch_norm=one.batch_norm, reference=one.reference, control=one.control)
        found.setdefault(line, {}).setdefault(json.dumps(one.settings, sort_keys=True), []).append(one)
    groups: dict[tuple[Line, str], list[Observation]] = {}
    for line, variants in found.items():
        every = [some[0].settings for some in variants.values()]
        for some in variants.values():
            own = replace(line, settings=_differing_settings(some[0].settings, every))
            for one in some:
                groups.setdefault((own, one.fingerprint), []).append(one)
    return groups


def _differing_settings(settings: Mapping[str, object], every: Sequence[Mapping[str, object]]) -> str:
    """Return the settings that are not the same everywhere, as text."""
    differing = [name for name in sorted(settings) if any(other.get(name) != settings[name] for other in every)]
    return ", ".join(f"{name} {settings[name]}" for name in differing)


def _cells(line: Line, fingerprint: str, found: list[Observation], output: str, scoring: _Scoring) -> list[Cell]:
    """Return the cells of one line, fingerprint and form, one for each selection and number of samples."""
    if any(observation.bits(output) is None for observation in found):
        return []
    counted = [observation for observation in found if observation.goal_reached]
    column = COLUMNS.get(found[0].method, "") if output == LABEL else ""
    alone = detection(mismatch_table(counted, output=output), 1)
    orders = sorted({name for one in counted for name in one.orders})
    return [
        _cell(
            Cell(
                line=line,
                fingerprint=fingerprint,
                selection=selection,
                n=n,
                output=output,
                models=len(counted),
                goal_missed=len(found) - len(counted),
                published=scoring.published.rate(line.row, column, n) if scoring.published else None,
            ),
            mismatch_table(counted, RANDOM if selection == SUBSETS else selection, output),
            alone,
            scoring,
        )
        for selection in (RANDOM, *orders, *([SUBSETS] if scoring.subsets.get(fingerprint) else []))
        for n in scoring.ns
    ]


def _cell(empty: Cell, mismatched: Mismatches, alone: float | None, scoring: _Scoring) -> Cell:
    """Return a cell with its numbers; as it is when it can have none."""
    if empty.selection == SUBSETS:
        return _subsets_cell(empty, mismatched, scoring)
    ordered = empty.selection != RANDOM
    rate = detection(mismatched, empty.n, ordered=ordered)
    if rate is None:
        return empty
    low, high = interval(mismatched, empty.n, ordered=ordered, repetitions=scoring.repetitions, seed=scoring.seed)
    limit = None if ordered or alone is None else ceiling(alone, empty.n, mismatched.shape[1])
    return replace(empty, rate=rate, low=low, high=high, ceiling=limit)


def _subsets_cell(empty: Cell, mismatched: Mismatches, scoring: _Scoring) -> Cell:
    """Return a cell with its numbers: a random subset takes the place of a sample."""
    seen = seen_by_subsets(mismatched, scoring.subsets[empty.fingerprint], empty.n) if len(mismatched) else None
    rate = None if seen is None else detection(seen, 1)
    if seen is None or rate is None:
        return empty
    low, high = interval(seen, 1, repetitions=scoring.repetitions, seed=scoring.seed)
    return replace(empty, rate=rate, low=low, high=high)


def mismatch_table(observations: Sequence[Observation], selection: str = RANDOM, output: str = LABEL) -> Mismatches:
    """Return which samples see which suspects in a form of answers; the columns follow the selection's order.

    Raises:
        BenchError: The observations differ in their number of samples, or an order is none of these samples.
    """
    names = sorted({observation.fingerprint for observation in observations})
    if len(sizes := {observation.samples for observation in observations}) > 1:
        counts = " and ".join(map(str, sorted(sizes)))
        raise BenchError(
            f"{', '.join(names)}: observations of {counts} samples are mixed; start the run again in an empty folder"
        )
    rows = []
    for observation in observations:
        bits = np.array([bit == "1" for bit in observation.bits(output) or ""], dtype=bool)
        rows.append(bits if selection == RANDOM else bits[_order(observation, selection)])
    width = min(map(len, rows), default=0)
    return np.array([row[:width] for row in rows], dtype=bool).reshape(len(rows), width)


def _order(observation: Observation, selection: str) -> list[int]:
    """Return the order of a selection; empty when the observation has none."""
    order = observation.orders.get(selection, [])
    if len(set(order)) != len(order) or not set(order) <= set(range(observation.samples)):
        raise BenchError(
            f"{observation.fingerprint}: the order {selection!r} is none of {observation.samples} samples; "
            "start the run again in an empty folder"
        )
    return order


def _false_alarms(groups: Mapping[tuple[Line, str], list[Observation]]) -> Iterable[FalseAlarms]:
    """Yield what each fingerprint says about the controls."""
    controls: dict[str, list[Observation]] = {}
    for (line, name), found in groups.items():
        if line.control:
            controls.setdefault(name, []).extend(found)
    for name, found in sorted(controls.items()):
        answers = sum(observation.samples for observation in found)
        mismatches = sum(observation.mismatched.count("1") for observation in found)
        yield FalseAlarms(
            fingerprint=name,
            controls=len(found),
            answers=answers,
            mismatches=mismatches,
            upper=upper_bound(mismatches, answers),
        )
