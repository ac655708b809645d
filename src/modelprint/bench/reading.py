"""What a run left in its folder, read without trusting it: what cannot be read is a problem that the report shows."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelprint.bench.folder import RunFolder
from modelprint.bench.observation import Observation, salvage, salvage_lines
from modelprint.bench.outputs import OUTPUTS
from modelprint.bench.ownership.finding import Finding, read_finding
from modelprint.bench.published import Published, published_table
from modelprint.errors import BenchError, FingerprintError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.pages.grids import mapping, number

REMARKS = "remarks.toml"
"""The file in a run's folder in which a person says why a row is what it is."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one job took.

    Attributes:
        part: What all seeds of a job have in common, e.g. "suspect unlearning".
        seconds: How long it took.
    """

    part: str
    seconds: float

    @property
    def stage(self) -> str:
        """What kind of job it was: the first word."""
        return self.part.split(" ", 1)[0]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as its folder tells it.

    Attributes:
        protocol: Content of `protocol.json`.
        rows: Names of the plan's rows, in its order.
        observations: All that can be read.
        timings: All that can be read.
        remarks: Row -> what a person says about it.
        fingerprints: Name -> the sealed fingerprint; those that were not sealed or cannot be read are missing.
        problems: What the run had trouble with, and what cannot be read.
        findings: What was found out about ownership, all that can be read.
    """

    protocol: Mapping[str, Any]
    rows: tuple[str, ...]
    observations: tuple[Observation, ...]
    timings: tuple[Timing, ...]
    remarks: Mapping[str, str]
    fingerprints: Mapping[str, Fingerprint]
    problems: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def published(self) -> Published | None:
        """The table of the paper that is called like the plan, or the one about the target's data."""
        data = mapping(self.protocol.get("target")).get("data")
        named = (self.protocol.get("published"), self.protocol.get("plan"), data)
        return next((table for name in named if (table := published_table(str(name)))), None)

    @property
    def ns(self) -> tuple[int, ...]:
        """Numbers of samples that the plan wants to see; none when it says nothing."""
        told = self.protocol.get("ns")
        return tuple(n for n in told if isinstance(n, int) and n > 0) if isinstance(told, list) else ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Forms of answers that the plan wants to see."""
        told = self.protocol.get("outputs")
        return tuple(name for name in OUTPUTS if name in told) if isinstance(told, list) else ()

    @property
    def bags(self) -> Mapping[str, tuple[str, ...]]:
        """By fingerprint, in which order the samples of each bag are asked."""
        facts = mapping(self.protocol.get("fingerprints")).items()
        told = {name: mapping(some).get("bags") for name, some in facts}
        return {
            name: tuple(order for order in orders if isinstance(order, str) and re.fullmatch(r"\d+( \d+)*", order))
            for name, orders in told.items()
            if isinstance(orders, list)
        }

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the fingerprints, in the order of the plan; observed ones that it does not name come last."""
        planned = mapping(self.protocol.get("fingerprints"))
        return tuple(dict.fromkeys([*planned, *sorted({one.fingerprint for one in self.observations})]))


def read_run(folder: Path, remarks: Path | None = None) -> Run:
    """Return what `folder` holds.

    Args:
        folder: Of a run, finished or not.
        remarks: A file of remarks; `remarks.toml` in the folder when None.

    Raises:
        BenchError: It is no folder of a run, or the remarks cannot be read.
    """
    files = RunFolder(folder)
    protocol = files.read_protocol()
    if not protocol:
        raise BenchError(
            f"{folder} is no folder of a run: it has no {files.protocol.name}; name one that bench run made"
        )
    observations, problems = salvage(files.observations)
    findings, lost = salvage_lines(files.findings, read_finding)
    timings, unread = _read_timings(files.timings)
    fingerprints, unsealed = _read_fingerprints(folder, protocol)
    told = protocol.get("problems")
    found = [*(map(str, told) if isinstance(told, list) else ()), *problems, *lost, *unread, *unsealed]
    return Run(
        protocol=protocol,
        rows=_read_rows(files.plan),
        observations=tuple(observations),
        timings=tuple(timings),
        remarks=_read_remarks(remarks, folder / REMARKS),
        fingerprints=fingerprints,
        # A report is published; where the folder lay on some machine is nobody's business.
        problems=tuple(problem.replace(f"{folder}/", "") for problem in found),
        findings=tuple(findings),
    )


def _read_rows(path: Path) -> tuple[str, ...]:
    """Return the rows of a plan, each once; none when it cannot be read, for it only puts the tables in order."""
    try:
        suspects = tomllib.loads(path.read_text(encoding="utf-8")).get("suspects")
    except (OSError, ValueError):
        return ()
    rows = (mapping(entry).get("row") for entry in (suspects if isinstance(suspects, list) else ()))
    return tuple(dict.fromkeys(str(row) for row in rows if row))


def _read_timings(path: Path) -> tuple[list[Timing], list[str]]:
    if not path.is_file():
        return [], []
    found, problems = [], []
    for place, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            record = mapping(json.loads(line))
        except (ValueError, RecursionError):
            record = {}
        seconds = number(record.get("seconds"))
        if seconds is None or not 0 <= seconds < float("inf"):
            problems.append(f"{path.name}, line {place}: not a timing")
            continue
        found.append(Timing(part=re.sub(r", seed -?\d+$", "", str(record.get("label", ""))), seconds=seconds))
    return found, problems


def _read_remarks(given: Path | None, usual: Path) -> Mapping[str, str]:
    path = given or usual
    if given is None and not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BenchError(f"the remarks in {path} cannot be read: {problem}") from problem
    if wrong := [row for row, remark in content.items() if not isinstance(remark, str)]:
        raise BenchError(f'{path}: the remark on {wrong[0]!r} is no text; write "{wrong[0]}" = "..."')
    return content


def _read_fingerprints(folder: Path, protocol: Mapping[str, Any]) -> tuple[dict[str, Fingerprint], list[str]]:
    """Return the sealed fingerprints that the protocol names; only files right below the folder are opened."""
    found, problems = {}, []
    for name, facts in mapping(protocol.get("fingerprints")).items():
        file = mapping(facts).get("file")
        if not file:
            continue
        path = (folder / str(file)).resolve()
        if not path.is_relative_to(folder.resolve()):
            problems.append(f"fingerprint {name}: {file} lies outside the folder and was not opened")
            continue
        try:
            found[name] = Fingerprint.load(path)
        except (FingerprintError, OSError, ValueError) as problem:
            problems.append(f"fingerprint {name}: {problem}")
    return found, problems
