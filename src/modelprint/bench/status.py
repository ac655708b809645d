"""How far a run is: what its folder holds against what its plan asks for. Reads only, so a run may be under way."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelprint.bench.folder import RunFolder
from modelprint.bench.locks import run_folder_in_use
from modelprint.bench.observation import Observation, salvage, salvage_lines
from modelprint.bench.ownership.finding import Finding, read_finding
from modelprint.bench.plan import Plan, PlannedRow, at_scale, read_plan
from modelprint.errors import BenchError
from modelprint.ownership import OWNERSHIP_SUSPECTS


@dataclass(frozen=True, kw_only=True)
class RowStatus:
    """How far one row of a plan is.

    Attributes:
        row: Of the published table.
        kind: Name of the tampering.
        reference: Kind whose labels count; empty for those of the target.
        planned: Observations the plan asks for, and findings about ownership.
        found: How many of these are there.
        goals_missed: Suspects among them that did not do what they set out to do.
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
        damaged: Lines of the observations that cannot be read; the next run computes them anew.
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
        """How many observations the plan asks for."""
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
    protocol = folder.read_protocol()
    if not protocol or not folder.plan.is_file():
        raise BenchError(f"{path} is no folder of a run")
    return status(read_plan(folder.plan), str(protocol.get("scale")), folder)


def status(plan: Plan, scale: str, folder: RunFolder) -> Status:
    """Return how far the run of a plan in `folder` is; nothing may be there yet."""
    small = at_scale(plan, scale)
    protocol = folder.read_protocol()
    if protocol and (protocol.get("plan"), protocol.get("scale")) != (plan.name, scale):
        raise BenchError(f"{folder.path} holds a run of plan {protocol.get('plan')} at scale {protocol.get('scale')}")
    found, damaged = salvage(folder.observations)
    findings, unread = salvage_lines(folder.findings, read_finding)
    return Status(
        plan=plan.name,
        scale=scale,
        folder=folder.path,
        running=run_folder_in_use(folder.path),
        rows=tuple(_row_status(small, row, found, findings) for row in small.suspects),
        problems=_problems(protocol),
        damaged=(*damaged, *unread),
    )


def _row_status(plan: Plan, row: PlannedRow, found: Sequence[Observation], findings: Sequence[Finding]) -> RowStatus:
    names, seeds = {one.name for one in plan.fingerprints}, plan.seeds_of(row)
    settings = json.loads(json.dumps(asdict(row.build())))  # type: ignore[call-overload]
    ours = [
        one
        for one in found
        if (one.row, one.kind, one.reference) == (row.row, row.kind, row.reference)
        and one.settings == settings
        and one.seed in seeds
        and one.fingerprint in names
    ]
    whose = {
        (one.seed, one.maker)
        for one in findings
        if (one.row, one.kind) == (row.row, row.kind) and one.settings == settings and one.seed in seeds
    }
    asked = _findings(plan, row)
    different = Counter((one.seed, one.fingerprint) for one in ours)
    missed = {one.seed for one in ours if not one.goal_reached}
    return RowStatus(
        row=row.row,
        kind=row.kind,
        reference=row.reference,
        planned=len(names) * len(seeds) + asked,
        found=len(different) + min(len(whose), asked),
        goals_missed=len(missed),
    )


def _findings(plan: Plan, row: PlannedRow) -> int:
    """Return how many findings about ownership there are of a row: of all suspects, and of a sibling's copies."""
    if plan.ownership is None:
        return 0
    strangers = plan.ownership.sibling and OWNERSHIP_SUSPECTS.get(row.kind) == "copy"
    suspects = len(plan.seeds_of(row))
    return suspects + (min(row.learnt, suspects) if strangers else 0)


def _problems(protocol: Mapping[str, Any]) -> tuple[str, ...]:
    told = protocol.get("problems", [])
    return tuple(map(str, told)) if isinstance(told, list) else ()
