"""The folder of a run: everything that a report needs, and what lets the next run continue where one stopped.

    observations.jsonl   detection: one line per suspect and fingerprint
    ownership.jsonl      ownership: one line per suspect, where the plan asks for it
    timings.jsonl        {"key", "label", "seconds"} of every job
    record.json          what ran, on what, with which fingerprints, and what is missing; see `record`
    plan.toml            a copy of the plan
    samples/NAME.mprint  the sealed fingerprints

Only the process that runs the plan writes here. A line is on disk before the next job is given out.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelprint.bench.lines import LineType, SuspectLine, salvage_lines
from modelprint.bench.record import RunRecord, read_old_record, read_record
from modelprint.cache import write_atomically, write_text_atomically
from modelprint.errors import BenchError
from modelprint.files import open_regular


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its results.

    Attributes:
        path: The folder; it need not exist yet.
    """

    path: Path

    def file(self, name: str) -> Path:
        """Return the file of this name, such as that of a study's lines."""
        return self.path / name

    @property
    def timings(self) -> Path:
        """The file that says how long each job took."""
        return self.path / "timings.jsonl"

    @property
    def record(self) -> Path:
        """The file that says what ran."""
        return self.path / "record.json"

    @property
    def old_record(self) -> Path:
        """The file that said so in runs made before records had a version."""
        return self.path / "protocol.json"

    @property
    def plan(self) -> Path:
        """The copy of the plan."""
        return self.path / "plan.toml"

    def sample_file(self, fingerprint: str) -> Path:
        """Return where the sealed file of a fingerprint is."""
        return self.path / "samples" / f"{fingerprint}.mprint"

    def prepare(self, plan: str, scale: str) -> None:
        """Make the folder, or check that it belongs to this plan at this scale.

        Raises:
            BenchError: It holds another run, or something else.
        """
        known = self.read_record()
        if known:
            if (known.plan, known.scale) != (plan, scale):
                raise BenchError(
                    f"{self.path} holds a run of plan {known.plan} at scale {known.scale}; name another --output"
                )
        # A run that was killed at its very start may leave hidden files: its lock and a draft.
        elif self.path.is_dir() and any(not entry.name.startswith(".") for entry in self.path.iterdir()):
            raise BenchError(f"{self.path} is no folder of a run; name an empty one with --output")
        self.path.mkdir(parents=True, exist_ok=True)

    def read_record(self) -> RunRecord | None:
        """Return what ran here; None when nothing did.

        Raises:
            BenchError: The file is damaged.
        """
        for path, read in ((self.record, read_record), (self.old_record, read_old_record)):
            if not path.exists():
                continue
            try:
                with open_regular(path, BenchError) as file:
                    return read(file.read().decode())
            except (ValueError, RecursionError) as problem:
                raise BenchError(f"{path} is damaged: {problem}") from problem
        return None

    def begin(self, plan: str, scale: str, text: str) -> None:
        """Say whose folder this is, before anything else is written, and keep the plan as its file has it."""
        if not self.read_record():
            self.write_record(RunRecord(plan=plan, scale=scale))
        write_text_atomically(self.plan, text)

    def write_record(self, record: RunRecord) -> None:
        """Write what ran."""
        write_text_atomically(self.record, record.to_json())
        self.old_record.unlink(missing_ok=True)

    def write_sample(self, fingerprint: str, content: bytes) -> None:
        """Keep a sealed file."""

        def write(draft: Path) -> None:
            draft.write_bytes(content)

        write_atomically(self.sample_file(fingerprint), write)

    def recover(
        self, file: str, read: Callable[[str], LineType], planned: Iterable[str]
    ) -> tuple[dict[str, LineType], list[str]]:
        """Return the lines of a file that are there and planned, by key, and sentences on what had to be dropped.

        What a killed run left half written, what is damaged, and what belongs to an earlier version of the plan is
        taken out of the file, so that it is computed again.
        """
        path, keys = self.file(file), set(planned)
        found, problems = salvage_lines(path, read)
        good = {line.key: line for line in found if line.key in keys}
        if len(good) < len(found):
            others = len(found) - len(good)
            problems.append(f"{path}: {others} line(s) of an earlier plan or code were taken out")
        lines = "".join(line.to_line() for line in good.values())
        if path.is_file() and path.read_bytes() != lines.encode():
            write_text_atomically(path, lines)
        return good, problems

    def add(self, file: str, line: SuspectLine) -> None:
        """Append one line to a file; it is on disk when this returns."""
        _append(self.file(file), line.to_line())

    def settle(self, file: str, found: Mapping[str, SuspectLine], order: Iterable[str]) -> None:
        """Put the lines of a file into `order`, so that two complete runs of a plan have equal files."""
        write_text_atomically(self.file(file), "".join(found[key].to_line() for key in order if key in found))

    def read_timings(self) -> dict[str, float]:
        """Return the seconds of every job by its key; a line that cannot be read counts for nothing."""
        seconds = {}
        if self.timings.is_file():
            for line in self.timings.read_bytes().splitlines():
                try:
                    entry = json.loads(line)
                    seconds[str(entry["key"])] = float(entry["seconds"])
                except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                    continue
        return seconds

    def add_timing(self, key: str, label: str, seconds: float) -> None:
        """Append how long a job took."""
        _append(self.timings, json.dumps({"key": key, "label": label, "seconds": round(seconds, 3)}) + "\n")


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
