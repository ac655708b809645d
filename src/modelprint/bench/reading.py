"""What a run left in its folder, read without trusting it: what cannot be read is a problem that the report shows."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from modelprint.bench.contents import RunContents, Timing, part_of_label
from modelprint.bench.folder import RunFolder
from modelprint.bench.lines import SuspectLine, salvage_lines
from modelprint.bench.studies import STUDIES
from modelprint.errors import BenchError
from modelprint.files import open_regular
from modelprint.pages.grids import mapping, number

REMARKS = "remarks.toml"
"""The file in a run's folder in which a person says why a row is what it is."""


def read_run(folder: Path, remarks: Path | None = None) -> RunContents:
    """Return what `folder` holds.

    Args:
        folder: Of a run, finished or not.
        remarks: A file of remarks; `remarks.toml` in the folder when None.

    Raises:
        BenchError: It is no folder of a run, its record is damaged, or the remarks cannot be read.
    """
    files = RunFolder(folder)
    record = files.read_record()
    if record is None:
        raise BenchError(f"{folder} is no folder of a run: it has no {files.record.name}; name one that bench run made")
    lines: list[SuspectLine] = []
    problems = list(record.problems)
    for study in STUDIES.values():
        found, lost = salvage_lines(files.file(study.file), study.read_line)
        lines += found
        problems += lost
    timings, unread = _read_timings(files.timings)
    return RunContents(
        record=record,
        rows=_read_rows(files.plan),
        lines=tuple(lines),
        timings=tuple(timings),
        remarks=_read_remarks(remarks, folder / REMARKS),
        # A report is published, and says nothing about where the folder was.
        problems=tuple(problem.replace(f"{folder}/", "") for problem in [*problems, *unread]),
        folder=folder,
    )


def _read_rows(path: Path) -> tuple[str, ...]:
    """Return the rows of a plan, each once; none when it cannot be read, for it only puts the tables in order."""
    try:
        with open_regular(path, BenchError) as file:
            suspects = tomllib.loads(file.read().decode()).get("suspects")
    except (OSError, ValueError, RecursionError, BenchError):
        return ()
    rows = (mapping(entry).get("row") for entry in (suspects if isinstance(suspects, list) else ()))
    return tuple(dict.fromkeys(str(row) for row in rows if row))


def _read_timings(path: Path) -> tuple[list[Timing], list[str]]:
    if not path.is_file():
        return [], []
    found, problems = [], []
    for place, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            entry = mapping(json.loads(line))
        except (ValueError, RecursionError):
            entry = {}
        seconds = number(entry.get("seconds"))
        if seconds is None or not 0 <= seconds < float("inf"):
            problems.append(f"{path.name}, line {place}: not a timing")
            continue
        found.append(Timing(part=part_of_label(str(entry.get("label", ""))), seconds=seconds))
    return found, problems


def _read_remarks(given: Path | None, usual: Path) -> Mapping[str, str]:
    path = given or usual
    if given is None and not path.is_file():
        return {}
    try:
        with open_regular(path, BenchError) as file:
            content = tomllib.loads(file.read().decode())
    except (OSError, ValueError, RecursionError, BenchError) as problem:
        raise BenchError(f"the remarks in {path} cannot be read: {problem}") from problem
    if wrong := [row for row, remark in content.items() if not isinstance(remark, str)]:
        raise BenchError(f'{path}: the remark on {wrong[0]!r} is no text; write "{wrong[0]}" = "..."')
    return content
