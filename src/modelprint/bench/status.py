"""How far a run is: its folder compared with its plan. Reads only, so a run may be under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelprint.bench.folder import RunFolder
from modelprint.bench.lines import SuspectLine, salvage_lines
from modelprint.bench.locks import run_folder_in_use
from modelprint.bench.plan import Plan, PlannedRow, at_scale
from modelprint.bench.plan_file import read_plan
from modelprint.bench.studies import STUDIES
from modelprint.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class RowStatus:
    """How far one row of a plan is.

    Attributes:
        row: Of the published table.
        kind: Name of the tampering.
        reference: Kind whose labels count; empty for those of the target.
        planned: Lines the plan asks for, of all studies.
        found: How many of these are there.
        goals_missed: Suspects among them that did not reach their goal.
    """

    row: str
    kind: str
    reference: str
    planned: int
    found: int
    goals_missed: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a run is.

    Attributes:
        plan: Name of the plan.
        scale: Name of the scale.
        folder: Where the run is.
        running: Whether a process is at work on it on this machine.
        rows: In the order of the plan.
        problems: What the last run could not do.
        damaged: Lines that cannot be read; the next run computes them again.
    """

    plan: str
    scale: str
    folder: Path
    running: bool
    rows: tuple[RowStatus, ...]
    problems: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def planned(self) -> int:
        """How many lines the plan asks for."""
        return sum(row.planned for row in self.rows)

    @property
    def found(self) -> int:
        """How many are there."""
        return sum(row.found for row in self.rows)

    def to_record(self) -> dict[str, Any]:
        """Return everything as plain data that JSON can hold."""
        return {
            "plan": self.plan,
            "scale": self.scale,
            "folder": str(self.folder),
            "running": self.running,
            "planned": self.planned,
            "found": self.found,
            "rows": [vars(row) for row in self.rows],
            "problems": list(self.problems),
            "damaged": list(self.damaged),
        }


def status_of_folder(path: Path) -> Status:
    """Return how far the run in a folder is; BenchError when there is none."""
    folder = RunFolder(path)
    record = folder.read_record()
    if record is None or not folder.plan.is_file():
        raise BenchError(f"{path} is no folder of a run")
    return status(read_plan(folder.plan), record.scale, folder)


def status(plan: Plan, scale: str, folder: RunFolder) -> Status:
    """Return how far the run of a plan in `folder` is; nothing may be there yet."""
    small = at_scale(plan, scale)
    record = folder.read_record()
    if record and (record.plan, record.scale) != (plan.name, scale):
        raise BenchError(f"{folder.path} holds a run of plan {record.plan} at scale {record.scale}")
    read = {name: salvage_lines(folder.file(study.file), study.read_line) for name, study in STUDIES.items()}
    lines = {name: found for name, (found, _) in read.items()}
    return Status(
        plan=plan.name,
        scale=scale,
        folder=folder.path,
        running=run_folder_in_use(folder.path),
        rows=tuple(_row_status(small, row, lines) for row in small.suspects),
        problems=record.problems if record else (),
        damaged=tuple(problem for _, lost in read.values() for problem in lost),
    )


def _row_status(plan: Plan, row: PlannedRow, lines: Mapping[str, Sequence[SuspectLine]]) -> RowStatus:
    counts = [study.count_lines(plan, row, lines[name]) for name, study in STUDIES.items()]
    return RowStatus(
        row=row.row,
        kind=row.kind,
        reference=row.reference,
        planned=sum(count.planned for count in counts),
        found=sum(count.found for count in counts),
        goals_missed=len({suspect for count in counts for suspect in count.missed}),
    )
