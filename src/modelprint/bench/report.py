"""The report of a run: Markdown to publish, and one self-contained HTML page with figures and samples.

Both are made of the files in the run's folder alone and say the same, section by section; only the page has pictures.
The page loads nothing, runs nothing, and its own content policy forbids both. Whatever the files say is shown as text.
"""

from pathlib import Path

from modelprint.bench import time_bars
from modelprint.bench.contents import RunContents
from modelprint.bench.reading import read_run
from modelprint.bench.sections import problems_section, setup_section, times_section
from modelprint.bench.studies import STUDIES
from modelprint.bench.study import StudyReport
from modelprint.cache import write_atomically, write_text_atomically
from modelprint.errors import BenchError
from modelprint.pages.figures import Drawing
from modelprint.pages.grids import Section, format_value
from modelprint.pages.markdown import markdown_from
from modelprint.pages.sections import Figure, GallerySample, render_sections
from modelprint.pages.tables import shorten_tables, write_tables

MARKDOWN, PAGE = "report.md", "report.html"

TABLES = "report"
"""Folder of the tables as data, beside the pages."""


def write_report(run_folder: Path, output: Path, *, remarks: Path | None = None) -> tuple[Path, Path]:
    """Write `report.md` and `report.html` into the folder `output`; returns where they are.

    All tables lie beside them as CSV files, in a folder `report`; the Markdown prints the short ones and summarises the
    rest. Figures that a study draws for documents are written beside them as PNG.

    Args:
        run_folder: What a run left, finished or not.
        output: Need not exist; it may be the run's own folder.
        remarks: TOML file of row = "why it differs from the paper"; `remarks.toml` of the run when None.

    Raises:
        BenchError: It is no folder of a run, its parts do not belong together, or matplotlib is not installed.
    """
    run = read_run(run_folder, remarks)
    reports = study_reports(run)
    written = output / MARKDOWN, output / PAGE
    for path, text in zip(written, (_markdown(run, reports), _page(run, reports)), strict=True):
        write_text_atomically(path, text)
    write_tables(_sections(run, reports), output / TABLES, title=_title(run))
    for drawing in _drawings(reports):
        write_atomically(output / f"{drawing.name}.png", drawing.save)
    return written


def markdown(run_folder: Path, remarks: Path | None = None) -> str:
    """Return the Markdown of `write_report`."""
    run = read_run(run_folder, remarks)
    return _markdown(run, study_reports(run))


def study_reports(run: RunContents) -> dict[str, StudyReport]:
    """Return what each study says about a run, by its name; BenchError when its part of the record is damaged."""
    reports = {}
    for name, study in STUDIES.items():
        try:
            reports[name] = study.report(run)
        except ValueError as problem:
            raise BenchError(f"the record of the run is damaged: studies.{name}.{problem}") from problem
    return reports


def _sections(run: RunContents, reports: dict[str, StudyReport]) -> list[Section]:
    """Return all sections. What only some plans ask for comes before what nearly all do."""
    latest_first = list(reversed(reports.values()))
    return [
        setup_section(run, [report.setup for report in latest_first]),
        *(section for report in latest_first for section in report.sections()),
        times_section(run),
        problems_section(run, [problem for report in reports.values() for problem in report.problems]),
    ]


def _drawings(reports: dict[str, StudyReport]) -> list[Drawing]:
    return [drawing for report in reports.values() for drawing in report.drawings()]


def _title(run: RunContents) -> str:
    return run.record.title or f"Benchmark {run.record.plan}"


def _markdown(run: RunContents, reports: dict[str, StudyReport]) -> str:
    short = shorten_tables(_sections(run, reports), TABLES)
    return markdown_from(MARKDOWN, package="modelprint.bench", title=_title(run), sections=short)


def _page(run: RunContents, reports: dict[str, StudyReport]) -> str:
    return render_sections(
        title=_title(run),
        under=_subtitle(run),
        tiles=[tile for report in reports.values() for tile in report.tiles()],
        sections=_sections(run, reports),
        figures=_figures(run, reports),
        galleries=_galleries(reports),
    )


def _subtitle(run: RunContents) -> list[str]:
    """Return what stands under the title."""
    record = run.record
    named = {"target": record.target.name, "scale": record.scale, "seed": record.seed}
    return [*(f"{name} {format_value(value)}" for name, value in named.items()), format_value(record.created)]


def _figures(run: RunContents, reports: dict[str, StudyReport]) -> dict[str, Figure]:
    """Return the figures that there are data for, by the name of their section."""
    figures = {drawing.name: Figure(svg=drawing.svg(), caption=drawing.caption) for drawing in _drawings(reports)}
    for report in reports.values():
        figures |= report.figures()
    if bars := time_bars.longest_parts(run.timings):
        figures["times"] = Figure(svg=time_bars.draw_bars(bars), caption="Time of all jobs together, by part.")
    return figures


def _galleries(reports: dict[str, StudyReport]) -> dict[str, list[GallerySample]]:
    return {name: shown for report in reports.values() for name, shown in report.galleries().items()}
