"""The folder of a run: everything that a report needs, and what lets the next run go on where one stopped.

    observations.jsonl   one line per suspect and fingerprint
    ownership.jsonl      one line per suspect, where the plan asks whose they are
    timings.jsonl        {"key", "label", "seconds"} of every piece of work
    protocol.json        what ran, on what, with which fingerprints, and what is missing
    plan.toml            a copy of the plan
    samples/NAME.mprint  the sealed fingerprints

Only the process that runs the plan writes here. A line is on disk before the next job is given out.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelprint.bench.observation import Line, Observation, Written, read_line, salvage_lines
from modelprint.bench.ownership.finding import Finding, read_finding
from modelprint.cache import write_atomically, write_text_atomically
from modelprint.errors import BenchError


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what it found.

    Attributes:
        path: The folder; it need not exist yet.
    """

    path: Path

    @property
    def observations(self) -> Path:
        """The file of observations."""
        return self.path / "observations.jsonl"

    @property
    def findings(self) -> Path:
        """The file of what was found out about ownership."""
        return self.path / "ownership.jsonl"

    @property
    def timings(self) -> Path:
        """The file that says how long each piece of work took."""
        return self.path / "timings.jsonl"

    @property
    def protocol(self) -> Path:
        """The file that says what ran."""
        return self.path / "protocol.json"

    @property
    def plan(self) -> Path:
        """The copy of the plan."""
        return self.path / "plan.toml"

    def sample_file(self, fingerprint: str) -> Path:
        """Return where the sealed file of a fingerprint is."""
        return self.path / "samples" / f"{fingerprint}.mprint"

    def prepare(self, plan: str, scale: str) -> None:
        """Make the folder, or see to it that it belongs to this plan at this scale.

        Raises:
            BenchError: It holds another run, or something else.
        """
        written = self.read_protocol()
        if written:
            theirs = written.get("plan"), written.get("scale")
            if theirs != (plan, scale):
                raise BenchError(
                    f"{self.path} holds a run of plan {theirs[0]} at scale {theirs[1]}; name another --output"
                )
        # A run that was killed at its very start may leave hidden files: its lock and a draft.
        elif self.path.is_dir() and any(not entry.name.startswith(".") for entry in self.path.iterdir()):
            raise BenchError(f"{self.path} is no folder of a run; name an empty one with --output")
        self.path.mkdir(parents=True, exist_ok=True)

    def read_protocol(self) -> dict[str, Any]:
        """Return what ran here; empty when nothing did.

        Raises:
            BenchError: The file is damaged.
        """
        try:
            content = json.loads(self.protocol.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as problem:
            raise BenchError(f"{self.protocol} is damaged: {problem}") from problem
        if not isinstance(content, dict):
            raise BenchError(f"{self.protocol} is damaged: it is no JSON object")
        return content

    def begin(self, plan: str, scale: str, text: str) -> None:
        """Say whose folder this is, before anything else is written, and keep the plan as its file has it."""
        if not self.read_protocol():
            self.write_protocol({"plan": plan, "scale": scale})
        write_text_atomically(self.plan, text)

    def write_protocol(self, record: dict[str, Any]) -> None:
        """Put down what ran."""
        write_text_atomically(self.protocol, json.dumps(record, indent=2, ensure_ascii=False) + "\n")

    def write_sample(self, fingerprint: str, content: bytes) -> None:
        """Keep a sealed file."""

        def write(draft: Path) -> None:
            draft.write_bytes(content)

        write_atomically(self.sample_file(fingerprint), write)

    def recover(self, wanted: Iterable[str]) -> tuple[dict[str, Observation], list[str]]:
        """Return the observations that are there and wanted, by key, and sentences on what had to be dropped.

        What a killed run left half written, what is damaged, and what belongs to an earlier version of the plan is
        taken out of the file, so that it is computed anew.
        """
        return _recovered(self.observations, "observation", read_line, set(wanted))

    def recover_findings(self, wanted: Iterable[str]) -> tuple[dict[str, Finding], list[str]]:
        """Return the findings that are there and wanted, by key; as `recover`."""
        return _recovered(self.findings, "finding", read_finding, set(wanted))

    def add(self, line: Observation | Finding) -> None:
        """Append one observation or finding; it is on disk when this returns."""
        _append(self.findings if isinstance(line, Finding) else self.observations, line.line())

    def settle(self, found: Mapping[str, Observation], order: Iterable[str]) -> None:
        """Put the lines into `order`, so that two complete runs of a plan have equal files."""
        _settle(self.observations, found, order)

    def settle_findings(self, found: Mapping[str, Finding], order: Iterable[str]) -> None:
        """Put the findings into `order`."""
        _settle(self.findings, found, order)

    def timed(self) -> dict[str, float]:
        """Return the seconds of every piece of work by its key; a line that cannot be read counts for nothing."""
        seconds = {}
        if self.timings.is_file():
            for line in self.timings.read_bytes().splitlines():
                try:
                    entry = json.loads(line)
                    seconds[str(entry["key"])] = float(entry["seconds"])
                except (ValueError, KeyError, TypeError):
                    continue
        return seconds

    def add_timing(self, key: str, label: str, seconds: float) -> None:
        """Append how long a piece of work took."""
        _append(self.timings, json.dumps({"key": key, "label": label, "seconds": round(seconds, 3)}) + "\n")


def _recovered(
    path: Path, what: str, read: Callable[[str], Written], keys: set[str]
) -> tuple[dict[str, Written], list[str]]:
    found, problems = salvage_lines(path, read)
    good = {line.key: line for line in found if line.key in keys}
    if len(good) < len(found):
        others = len(found) - len(good)
        problems.append(f"{path}: {others} {what}(s) of an earlier plan or code were taken out")
    lines = "".join(line.line() for line in good.values())
    if path.is_file() and path.read_bytes() != lines.encode():
        write_text_atomically(path, lines)
    return good, problems


def _settle(path: Path, found: Mapping[str, Line], order: Iterable[str]) -> None:
    write_text_atomically(path, "".join(found[key].line() for key in order if key in found))


def _append(path: Path, line: str) -> None:
    """Append one whole line; what a killed run left of a line before it is ended first."""
    with path.open("ab+") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())
