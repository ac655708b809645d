"""The report of a run: Markdown to publish, and one self-contained HTML page with figures and samples.

Both are made of the files in the run's folder alone and say the same, section by section; only the page has pictures.
It loads nothing, runs nothing, and its own content policy forbids the rest. Whatever the files say is shown as text.
"""

from collections.abc import Iterable
from pathlib import Path

from modelprint.bench import plots
from modelprint.bench.by_setting import sweeps
from modelprint.bench.evidence import suspects
from modelprint.bench.ownership.figures import drawings
from modelprint.bench.published import COLUMNS
from modelprint.bench.rates import detection
from modelprint.bench.reading import Run, read_run
from modelprint.bench.score import NS, Table, by_line, mismatch_table, score
from modelprint.bench.sections import far_cells, sections
from modelprint.cache import write_atomically, write_text_atomically
from modelprint.pages.grids import format_value, mapping, mean
from modelprint.pages.markdown import markdown_from
from modelprint.pages.sections import Figure, make_gallery, render_sections
from modelprint.pages.tables import shorten_tables, write_tables

MARKDOWN, PAGE = "report.md", "report.html"

TABLES = "report"
"""Folder of the tables as data, beside the pages."""

FARTHEST = 20
"""Samples asked at the right end of the curves."""

BARS = 30
"""Parts shown with a bar of their own."""


def write_report(run_folder: Path, output: Path, *, remarks: Path | None = None) -> tuple[Path, Path]:
    """Write `report.md` and `report.html` into the folder `output`; returns where they are.

    All tables lie beside them as CSV files, in a folder `report`; the Markdown prints the short ones and summarises the
    rest.
    Figures on ownership are written beside them as PNG as well.

    Args:
        run_folder: What a run left, finished or not.
        output: Need not exist; it may be the run's own folder.
        remarks: TOML file of row = "why it differs from the paper"; `remarks.toml` of the run when None.

    Raises:
        BenchError: It is no folder of a run, its parts do not belong together, or matplotlib is not installed.
    """
    run = read_run(run_folder, remarks)
    table = scores(run)
    written = output / MARKDOWN, output / PAGE
    for path, text in zip(written, (_markdown(run, table), _page(run, table)), strict=True):
        write_text_atomically(path, text)
    write_tables(sections(run, table), output / TABLES, title=_title(run))
    for drawing in drawings(run):
        write_atomically(output / f"{drawing.name}.png", drawing.save)
    return written


def markdown(run_folder: Path, remarks: Path | None = None) -> str:
    """Return the Markdown of `write_report`."""
    run = read_run(run_folder, remarks)
    return _markdown(run, scores(run))


def scores(run: Run) -> Table:
    """Return the scores of a run, beside the paper's."""
    return score(
        run.observations,
        run.ns or NS,
        rows=run.rows,
        published=run.published,
        outputs=run.outputs,
        bags=run.bags,
    )


def _title(run: Run) -> str:
    return str(run.protocol.get("title") or f"Benchmark {run.protocol.get('plan', '')}")


def _markdown(run: Run, table: Table) -> str:
    short = shorten_tables(sections(run, table), TABLES)
    return markdown_from(MARKDOWN, package="modelprint.bench", title=_title(run), sections=short)


def _page(run: Run, table: Table) -> str:
    return render_sections(
        title=_title(run),
        under=_under(run),
        tiles=_tiles(run, table),
        sections=sections(run, table),
        figures=dict(_figures(run, table)),
        galleries={name: make_gallery(run.fingerprints[name]) for name in run.order if name in run.fingerprints},
    )


def _under(run: Run) -> list[str]:
    """Return what stands under the title."""
    told, target = run.protocol, mapping(run.protocol.get("target"))
    named = {"target": target.get("name"), "scale": told.get("scale"), "seed": told.get("seed")}
    return [*(f"{name} {format_value(value)}" for name, value in named.items()), format_value(told.get("created"))]


def _tiles(run: Run, table: Table) -> list[tuple[str, str]]:
    """Return the numbers to see first, each with what it counts."""
    everyone = [one for found in suspects(run).values() for one in found]
    missed = sum(not one.goal_reached for one in everyone)
    alarms = sum(alarm.mismatches for alarm in table.false_alarms)
    answers = sum(alarm.answers for alarm in table.false_alarms)
    rows = {line.row for line in table.lines if not line.control}
    far = {cell.line.row for cell in far_cells(table)}
    return [
        (str(len(rows)), "rows"),
        (str(len(everyone)), "suspects"),
        (str(missed), "missed their goal"),
        (str(len(table.fingerprints)), "fingerprints"),
        (f"{alarms} of {answers}", "answers were false alarms"),
        (str(len(far)), "rows far from the paper"),
    ]


def _figures(run: Run, table: Table) -> Iterable[tuple[str, Figure]]:
    """Yield the figures that there are data for, by the name of their section."""
    for drawing in drawings(run):
        yield drawing.name, Figure(svg=drawing.svg(), caption=drawing.caption)
    if curves := _curves(run):
        caption = f"Detection against the number of samples drawn at random, up to {FARTHEST}, for each fingerprint."
        yield "selections", Figure(svg=plots.detection_curves(curves), caption=caption)
    if panels := _panels(run, table):
        caption = "Detection against the setting in which suspects differ, a curve for each number of samples drawn."
        yield "settings", Figure(svg=plots.setting_curves(panels), caption=caption)
    dots, left_out = _dots(run)
    if dots:
        caption = "Each dot is a suspect: share of samples that see it against how far its logits moved; hollow dots "
        caption += "missed their goal."
        if left_out:
            caption += f" {left_out} suspects whose logits did not move are left out."
        yield "moved", Figure(svg=plots.distance_scatter(dots), caption=caption)
    if bars := _bars(run):
        yield "times", Figure(svg=plots.time_bars(bars), caption="Time of all jobs together, by part.")


def _curves(run: Run) -> list[plots.Curves]:
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


def _published_means(run: Run, fingerprint: str, rows: set[str]) -> tuple[tuple[int, float], ...]:
    """Return the paper's mean over `rows` for each N that it prints."""
    methods = {COLUMNS.get(one.method) for one in run.observations if one.fingerprint == fingerprint}
    if run.published is None:
        return ()
    found = []
    for method, n in run.published.columns:
        if method in methods and (average := mean(run.published.rate(row, method, n) for row in rows)) is not None:
            found.append((n, average))
    return tuple(found)


def _panels(run: Run, table: Table) -> list[plots.Panel]:
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


def _dots(run: Run) -> tuple[dict[str, list[plots.Dot]], int]:
    """Return the dots of each fingerprint, and how many suspects did not move their logits."""
    dots: dict[str, list[plots.Dot]] = {}
    still = set()
    for name in run.order:
        for one in run.observations:
            if one.fingerprint != name or one.control or not one.samples:
                continue
            moved = one.movement.get("logit_rms", 0.0)
            if not 0 < moved < float("inf"):
                still.add((one.row, one.kind, one.seed, one.reference))
                continue
            rate = one.mismatched.count("1") / one.samples
            dots.setdefault(name, []).append(plots.Dot(moved=moved, rate=rate, reached=one.goal_reached))
    return dots, len(still)


def _bars(run: Run) -> list[plots.Bar]:
    """Return the longest parts, and what remains as one."""
    parts: dict[tuple[str, str], float] = {}
    for timing in run.timings:
        place = (timing.stage, timing.part)
        parts[place] = parts.get(place, 0.0) + timing.seconds
    ranked = sorted(parts.items(), key=lambda entry: -entry[1])
    bars = [plots.Bar(name=part, stage=stage, seconds=seconds) for (stage, part), seconds in ranked[:BARS]]
    if rest := ranked[BARS:]:
        bars.append(plots.Bar(name=f"{len(rest)} others", stage="others", seconds=sum(took for _, took in rest)))
    return bars
