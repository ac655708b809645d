"""Terminal output: progress and remarks on stderr, results on stdout. Imports rich only when needed."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from modelprint.progress import Progress, ignore_progress


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
    if quiet or not sys.stderr.isatty():
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
    """Print a message that is not a result on stderr, unless `quiet`."""
    if not quiet:
        typer.echo(text, err=True)


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
    """Return `text` on one line, with control characters escaped."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in " ".join(text.split()))
