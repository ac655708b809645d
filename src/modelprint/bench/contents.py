"""What the folder of a run holds, as a report gets it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from modelprint.bench.lines import SuspectLine
from modelprint.bench.record import RunRecord

LineType = TypeVar("LineType")


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


def part_of_label(label: str) -> str:
    """Return the label of a job without its seed."""
    return re.sub(r", seed -?\d+$", "", label)


@dataclass(frozen=True, kw_only=True)
class RunContents:
    """What is in the folder of a run, as far as it can be read.

    Attributes:
        record: What the run says about itself.
        rows: Names of the plan's rows, in its order.
        lines: Of all studies.
        timings: Of all jobs.
        remarks: Row -> what a person says about it.
        problems: What the run had trouble with, and what cannot be read.
        folder: Where it is; None for contents that were put together in memory.
    """

    record: RunRecord
    rows: tuple[str, ...] = ()
    lines: tuple[SuspectLine, ...] = ()
    timings: tuple[Timing, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    folder: Path | None = None

    def lines_of(self, kind: type[LineType]) -> tuple[LineType, ...]:
        """Return the lines of one class."""
        return tuple(line for line in self.lines if isinstance(line, kind))
