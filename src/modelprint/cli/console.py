"""Terminal output: progress and remarks on stderr, results on stdout. Imports rich only when needed."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import typer

from modelprint.progress import Progress, ignore_progress

LINE_LIMIT = 2500
"""Characters of an error, at most; a hostile file could make it as long as itself."""
REPORT_FAILED = 2
"""The verdict was printed, but the report could not be written."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during work that can be continued; the message says how."""


@contextmanager
def explain_interruption(how: str) -> Iterator[None]:
    """Let Ctrl-C inside the block end with a line that says how to continue."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise Interrupted(how) from stopped


@contextmanager
def show_bars(quiet: bool = False) -> Iterator[Progress]:
    """Yield a progress callable that draws one bar per phase on stderr, or nothing if that is not a terminal."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    # Steps may take minutes: rich's default of half a minute is too short to estimate the remaining time.
    period_s = 3600.0
    console = Console(stderr=True)
    with Bars(*columns, *times, console=console, transient=True, speed_estimate_period=period_s) as drawn:
        tasks = {}

        def show(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = drawn.add_task(phase, total=total)
            elif not done:
                drawn.reset(tasks[phase], total=total)
            drawn.update(tasks[phase], completed=done, total=total)

        yield show


def print_remark(text: str, quiet: bool = False) -> None:
    """Print a message that is not a result on stderr, unless `quiet`; a closed or full stderr changes nothing else."""
    if not quiet:
        with suppress(OSError, ValueError):
            typer.echo(text, err=True)


def require_stdout() -> None:
    """Refuse to begin when there is nowhere to print a verdict: its exit code alone could also be an accident.

    Raises:
        ValueError: Standard output is closed.
    """
    if sys.stdout is None or sys.stdout.closed:
        raise ValueError("standard output is closed, so no verdict could be printed; open it, e.g. > /dev/null")


def end_with_verdict(text: str, exit_code: int, report: Callable[[], object] | None = None) -> NoReturn:
    """Print a verdict, then write the report about it, and exit with the code of the verdict.

    The verdict is on its way before anything else can fail. When the report fails, the exit code is REPORT_FAILED.

    Args:
        text: The verdict.
        exit_code: What the verdict exits with.
        report: Makes and writes the report; None when none is asked for.

    Raises:
        OSError: The verdict could not be printed.
    """
    require_stdout()
    try:
        typer.echo(text)
        sys.stdout.flush()
    except OSError as problem:
        problem.filename = problem.filename or "standard output"
        raise
    if report is not None:
        try:
            report()
        # Whatever it is, it must not hide the verdict or look like another one.
        except Exception as problem:
            trouble = getattr(problem, "strerror", None) or problem
            where = getattr(problem, "filename", None)
            said = f"{where}: {trouble}" if where else str(trouble)
            print_remark(to_one_line(f"error: the verdict stands, but its report could not be written: {said}"))
            raise typer.Exit(REPORT_FAILED) from problem
    raise typer.Exit(exit_code)


def write_report(path: Path, page: str, quiet: bool) -> None:
    """Write an HTML page and print its path on stderr, unless `quiet`."""
    from modelprint.cache import write_text_atomically

    write_text_atomically(path, page)
    print_remark(f"the report is in {path}", quiet)


def show_json(record: object) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.dumps(record, indent=2, ensure_ascii=False))


def align_columns(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as text in aligned columns; numbers are aligned to the right."""
    texts = [list(heads), *([str(entry) for entry in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    numeric = [bool(rows) and all(_is_number(str(row[i])) for row in rows) for i in range(len(heads))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        )
        for line in texts
    ]
    return "\n".join(line.rstrip() for line in lines)


def _is_number(text: str) -> bool:
    return text == "-" or text.removesuffix("%").strip().lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()


def to_one_line(text: str) -> str:
    """Return `text` on one line of limited length, with control characters escaped."""
    words = " ".join(text.split())
    line = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words[:LINE_LIMIT])
    return line if len(words) <= LINE_LIMIT else f"{line}..."
