"""The benchmark: `bench run`, `bench status`, `bench report` and `bench target`."""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelprint.cli.console import align_columns, explain_interruption, print_remark, show_bars, show_json
from modelprint.cli.options import AsJson, Quiet

if TYPE_CHECKING:
    from modelprint.engine import Executor

bench_app = typer.Typer(
    rich_markup_mode=None,
    help="The benchmark: how often fingerprints see tamperings, and whether copies are recognised.",
)

INCOMPLETE = 3
"""Exit code when observations are missing."""

RUNS = Path("runs")

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan as TOML.", show_default=False)]
Scale = Annotated[str, typer.Option(metavar="NAME", help="How much of the plan: smoke, laptop or paper (all of it).")]
Output = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the run; runs/PLAN-SCALE when not given.")]


@bench_app.command()
def run(
    plan: PlanFile,
    scale: Scale = "laptop",
    executor: Annotated[str, typer.Option(metavar="NAME", help="Executor: serial, processes or ray.")] = "processes",
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many jobs at a time; one per core when not given.")
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Ray cluster; RAY_ADDRESS, or else one started here, when not given."),
    ] = None,
    models: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="At most this many suspects per row; a later run adds the others."),
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a plan: make all observations that are missing.

    Suspects and fingerprints are made once and kept in the cache; every observation is one line of
    DIR/observations.jsonl. The run can be stopped in any way: the same command continues, and the result is the same as
    without a stop, whatever the executor. Exits with 3 when observations are missing at the end; what is missing is
    listed on stderr and in DIR/record.json.

    Example: modelprint bench run plans/smoke.toml --scale smoke --executor serial
    """
    from modelprint.bench.folder import RunFolder
    from modelprint.bench.plan_file import read_plan
    from modelprint.bench.run import run as make_observations

    read = read_plan(plan)
    folder = RunFolder(output or RUNS / f"{read.name}-{scale}")
    # Bars where there is a terminal to draw them on, else one line per job.
    plain = not sys.stderr.isatty()
    with (
        explain_interruption(f"run the same command again to go on; what is done is in {folder.path}"),
        closing(_executor(executor, workers, ray_address)) as opened,
        show_bars(quiet) as progress,
    ):
        summary = make_observations(
            read,
            scale,
            opened,
            folder,
            text=plan.read_text(encoding="utf-8"),
            command=_command(plan, scale, models),
            most_models=models,
            progress=progress,
            show=lambda line: print_remark(line, quiet or not plain),
        )
    if as_json:
        show_json({"folder": str(folder.path), "missing": summary.missing, **vars(summary)})
    else:
        there = summary.found + summary.made
        typer.echo(f"{there} of {summary.planned} observations in {folder.path}; {summary.found} were there before")
    _show_sentences(summary.remarks, "note", quiet)
    _show_sentences(summary.problems, "error", quiet and as_json)
    raise typer.Exit(INCOMPLETE if summary.missing else 0)


def _command(plan: Path, scale: str, models: int | None) -> str:
    """Return the command as far as it decides about the result."""
    fewer = [] if models is None else ["--models", str(models)]
    return shlex.join(["modelprint", "bench", "run", str(plan), "--scale", scale, *fewer])


@bench_app.command()
def status(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN|DIR", help="A plan as TOML, or the folder of a run.", show_default=False)
    ],
    scale: Scale = "laptop",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Show how far the run of a plan is; it may be under way.

    Exits with 3 when observations are missing.

    Example: modelprint bench status runs/smoke-smoke
    """
    from modelprint.bench import status as progress
    from modelprint.bench.folder import RunFolder
    from modelprint.bench.plan_file import read_plan

    if plan.is_dir():
        found = progress.status_of_folder(plan)
    else:
        read = read_plan(plan)
        found = progress.status(read, scale, RunFolder(output or RUNS / f"{read.name}-{scale}"))
    if as_json:
        show_json(found.to_record())
    else:
        heads = ("row", "kind", "reference", "observations", "goals missed")
        rows = [
            (row.row, row.kind, row.reference, f"{row.found} of {row.planned}", row.goals_missed) for row in found.rows
        ]
        now = "a run is under way" if found.running else "no run is under way here"
        typer.echo(align_columns(heads, rows))
        typer.echo(f"\n{found.found} of {found.planned} observations in {found.folder}; {now}")
        _show_sentences(found.problems, "error", quiet=False)
        _show_sentences(found.damaged, "note", quiet=False)
    raise typer.Exit(INCOMPLETE if found.found < found.planned else 0)


@bench_app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the two files go; the folder of the run when not given.")
    ] = None,
    remarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='TOML file of "row" = "why it differs from the paper"; remarks.toml of the run when not given.',
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write report.md, report.html with plots and samples, and all tables as CSV files.

    An unfinished run has a report too, which says what is missing.

    Example: modelprint bench report runs/smoke-smoke
    """
    from modelprint.bench.report import write_report

    written = write_report(folder, output or folder, remarks=remarks)
    if as_json:
        show_json({"markdown": str(written[0]), "page": str(written[1])})
    else:
        typer.echo("\n".join(f"written {path}" for path in written))


@bench_app.command()
def target(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A target, as plans name it.", show_default=False)],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a target of the benchmark, or show the existing one.

    A target without published weights is trained by its recipe and kept in the cache.

    Example: modelprint bench target digits
    """
    from modelprint.bench.targets import TARGETS, target_facts

    if name not in TARGETS:
        raise ValueError(f"there is no target {name!r}; choose one of {', '.join(TARGETS)}")
    with show_bars(quiet) as progress:
        facts = target_facts(TARGETS[name], progress=progress)
    record = vars(facts) | {"file": str(facts.file)}
    if as_json:
        show_json(record)
        return
    lines = {key: value for key, value in record.items() if key not in ("accuracy", "trained")}
    lines["accuracy"] = f"{facts.accuracy:.2%} of the test images"
    lines |= {key: value for key, value in facts.trained.items() if key in ("command", "seed", "seconds")}
    typer.echo("\n".join(f"{key:<12} {value}" for key, value in lines.items()))


def _executor(name: str, workers: int | None, ray_address: str | None) -> "Executor":
    """Return the executor; ValueError for an unknown one."""
    from modelprint.engine import EXECUTORS

    if name not in EXECUTORS:
        raise ValueError(f"there is no executor {name!r}; choose one of {', '.join(EXECUTORS)}")
    if ray_address is not None and name != "ray":
        raise ValueError(f"--ray-address belongs to --executor ray, not to {name}")
    count = workers or (1 if name == "serial" else _cores())
    more = {"address": ray_address} if ray_address else {}
    return EXECUTORS[name](workers=count, **more)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show_sentences(sentences: Sequence[str], kind: str, quiet: bool) -> None:
    for sentence in sentences:
        print_remark(f"{kind}: {sentence}", quiet)
