"""What a report says about detection: sections, first numbers, figures and samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from modelprint.bench.contents import RunContents
from modelprint.bench.detection import plots
from modelprint.bench.detection.by_setting import sweeps
from modelprint.bench.detection.evidence import suspects
from modelprint.bench.detection.published import COLUMNS
from modelprint.bench.detection.rates import detection
from modelprint.bench.detection.results import DetectionResults, read_results
from modelprint.bench.detection.score import by_line, mismatch_table, score
from modelprint.bench.detection.sections import all_sections, far_cells, setup
from modelprint.bench.detection.table import NS, Table
from modelprint.bench.lines import SuspectId
from modelprint.bench.study import Setup
from modelprint.pages.figures import Drawing
from modelprint.pages.grids import Section, mean
from modelprint.pages.sections import Figure, GallerySample, make_gallery

FARTHEST = 20
"""Samples asked at the right end of the curves."""


@dataclass(frozen=True)
class DetectionReport:
    """What a report says about detection.

    Attributes:
        results: Of the run.
    """

    results: DetectionResults

    @cached_property
    def table(self) -> Table:
        """The scores of the run, beside the paper's."""
        return scores(self.results)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why fingerprints cannot be read."""
        return self.results.problems

    @property
    def setup(self) -> Setup:
        """How the numbers were computed."""
        return setup(self.results)

    def sections(self) -> Sequence[Section]:
        """Return the sections that have something to say."""
        return all_sections(self.results, self.table)

    def tiles(self) -> list[tuple[str, str]]:
        """Return the numbers to see first, each with what it counts."""
        found = [one for some in suspects(self.results).values() for one in some]
        missed = sum(not one.goal_reached for one in found)
        alarms = sum(alarm.mismatches for alarm in self.table.false_alarms)
        answers = sum(alarm.answers for alarm in self.table.false_alarms)
        rows = {line.row for line in self.table.lines if not line.control}
        far = {cell.line.row for cell in far_cells(self.table)}
        return [
            (str(len(rows)), "rows"),
            (str(len(found)), "suspects"),
            (str(missed), "missed their goal"),
            (str(len(self.table.fingerprints)), "fingerprints"),
            (f"{alarms} of {answers}", "answers were false alarms"),
            (str(len(far)), "rows far from the paper"),
        ]

    def figures(self) -> dict[str, Figure]:
        """Return the figures that there are data for, by the name of their section."""
        figures = {}
        if curves := _curves(self.results):
            caption = (
                f"Detection against the number of samples drawn at random, up to {FARTHEST}, for each fingerprint."
            )
            figures["selections"] = Figure(svg=plots.detection_curves(curves), caption=caption)
        if panels := _panels(self.results, self.table):
            caption = (
                "Detection against the setting in which suspects differ, a curve for each number of samples drawn."
            )
            figures["settings"] = Figure(svg=plots.setting_curves(panels), caption=caption)
        dots, left_out = _dots(self.results)
        if dots:
            caption = "Each dot is a suspect: share of samples that see it against how far its logits moved; hollow "
            caption += "dots missed their goal."
            if left_out:
                caption += f" {left_out} suspects whose logits did not move are left out."
            figures["moved"] = Figure(svg=plots.distance_scatter(dots), caption=caption)
        return figures

    def drawings(self) -> list[Drawing]:
        """Return no figures as files of their own."""
        return []

    def galleries(self) -> dict[str, list[GallerySample]]:
        """Return the samples to show, by name of the fingerprint."""
        sealed = self.results.fingerprints
        return {name: make_gallery(sealed[name]) for name in self.results.order if name in sealed}


def read_report(contents: RunContents) -> DetectionReport:
    """Return the report of a run; ValueError when what the record says about detection is damaged."""
    return DetectionReport(read_results(contents))


def scores(results: DetectionResults) -> Table:
    """Return the scores of a run, beside the paper's."""
    return score(
        results.observations,
        results.record.ns or NS,
        rows=results.contents.rows,
        published=results.published,
        outputs=results.outputs,
        subsets=results.random_subsets,
    )


def _curves(run: DetectionResults) -> list[plots.Curves]:
    """Return the curves of each fingerprint, without the controls."""
    groups = by_line(run.observations)
    found = []
    for name in run.order:
        lines = [
            (line.row, mismatch_table([one for one in some if one.goal_reached]))
            for (line, fingerprint), some in groups.items()
            if fingerprint == name and not line.control and any(one.goal_reached for one in some)
        ]
        if not lines:
            continue
        steps = range(1, min([FARTHEST, *(mismatched.shape[1] for _, mismatched in lines)]) + 1)
        curves = [tuple((n, detection(mismatched, n) or 0.0) for n in steps) for _, mismatched in lines]
        average = tuple((n, sum(curve[n - 1][1] for curve in curves) / len(curves)) for n in steps)
        published = _published_means(run, name, {row for row, _ in lines})
        found.append(plots.Curves(name=name, lines=tuple(curves), mean=average, published=published))
    return found


def _published_means(run: DetectionResults, fingerprint: str, rows: set[str]) -> tuple[tuple[int, float], ...]:
    """Return the paper's mean over `rows` for each N that it prints."""
    methods = {COLUMNS.get(one.method) for one in run.observations if one.fingerprint == fingerprint}
    if run.published is None:
        return ()
    found = []
    for method, n in run.published.columns:
        if method in methods and (average := mean(run.published.rate(row, method, n) for row in rows)) is not None:
            found.append((n, average))
    return tuple(found)


def _panels(run: DetectionResults, table: Table) -> list[plots.Panel]:
    """Return the curves of each fingerprint over each setting that a plan varies."""
    return [
        plots.Panel(
            name=name,
            setting=sweep.setting,
            curves={f"N = {n}": sweep.curve(table, name, n) for n in table.ns},
        )
        for sweep in sweeps(table)
        for name in run.order
        if name in table.fingerprints
    ]


def _dots(run: DetectionResults) -> tuple[dict[str, list[plots.SuspectDot]], int]:
    """Return the dots of each fingerprint, and how many suspects did not move their logits."""
    dots: dict[str, list[plots.SuspectDot]] = {}
    unmoved: set[tuple[SuspectId, str]] = set()
    for name in run.order:
        for one in run.observations:
            if one.fingerprint != name or one.control or not one.samples:
                continue
            moved = one.movement.get("logit_rms", 0.0)
            if not 0 < moved < float("inf"):
                unmoved.add((one.suspect, one.reference))
                continue
            rate = one.mismatched.count("1") / one.samples
            dots.setdefault(name, []).append(plots.SuspectDot(moved=moved, rate=rate, reached=one.goal_reached))
    return dots, len(unmoved)
