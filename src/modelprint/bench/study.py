"""What a study is: one question that the benchmark asks about suspects.

A study says which keys of a plan are its own, what has to be done for it in a run, and what a report says about it.
`run`, `status`, `report`, `reading` and `plan_file` know no more of it. A new study is a folder with an implementation
and one line in `studies.STUDIES`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from modelprint.bench.contents import RunContents
from modelprint.bench.folder import RunFolder
from modelprint.bench.jobs import Done
from modelprint.bench.lines import SuspectId, SuspectLine
from modelprint.bench.plan import Plan, PlannedRow, PlanPart, ScalePart
from modelprint.bench.record import JsonObject, TargetRecord
from modelprint.engine import Job
from modelprint.pages.figures import Drawing
from modelprint.pages.grids import Grid, Section
from modelprint.pages.sections import Figure, GallerySample


@dataclass(frozen=True, kw_only=True)
class RunStep:
    """Jobs of a run that do not depend on each other.

    Attributes:
        phase: What they do, in words.
        jobs: May be none.
    """

    phase: str
    jobs: Sequence[Job[Done[object]]]


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What a study is given at the beginning of a run.

    Attributes:
        plan: At its scale.
        scale: Its name.
        target: What suspects are made from.
        folder: Where files other than lines go.
        earlier: The study's part of the record of an earlier run about the same target; empty when there is none.
        describe_target: Looks at another target.
    """

    plan: Plan
    scale: str
    target: TargetRecord
    folder: RunFolder
    earlier: JsonObject
    describe_target: Callable[[str], TargetRecord]


@runtime_checkable
class StudyRun(Protocol):
    """A study of one plan about one target, while it runs."""

    @property
    def order(self) -> Sequence[str]:
        """Keys of all lines that the plan asks for, in its order."""

    @property
    def record(self) -> JsonObject:
        """What the record of the run says about the study; grows while it runs."""

    def steps(self, found: Collection[str], failed: Collection[str]) -> Iterator[RunStep]:
        """Yield the steps of the study in order.

        Args:
            found: Keys of the lines that are there already.
            failed: Keys of the jobs that failed so far; it grows from step to step.
        """

    def take(self, job: Job[Done[object]], done: Done[object]) -> Sequence[SuspectLine]:
        """Take what a job returned; returns the lines to write."""


@dataclass(frozen=True, kw_only=True)
class LineCount:
    """How far a study is with one row of a plan.

    Attributes:
        planned: Lines that the plan asks for.
        found: How many of them are there.
        missed: Suspects among them that did not reach their goal.
    """

    planned: int
    found: int
    missed: frozenset[SuspectId]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a study adds to the first section of a report, which says how the numbers were computed.

    Attributes:
        facts: Names and what they are.
        text: Paragraphs.
        grids: Tables.
    """

    facts: tuple[tuple[str, str], ...] = ()
    text: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()


@runtime_checkable
class StudyReport(Protocol):
    """What a report says about one study."""

    @property
    def problems(self) -> Sequence[str]:
        """What cannot be read of its part of the folder."""

    @property
    def setup(self) -> Setup:
        """What it adds to the first section."""

    def sections(self) -> Sequence[Section]:
        """Return its sections that have something to say."""

    def tiles(self) -> Sequence[tuple[str, str]]:
        """Return the numbers to see first, each with what it counts."""

    def figures(self) -> dict[str, Figure]:
        """Return the figures of the page by the name of their section."""

    def drawings(self) -> Sequence[Drawing]:
        """Return the figures that are written as PNG files as well."""

    def galleries(self) -> dict[str, list[GallerySample]]:
        """Return the samples to show, by name of the fingerprint."""


@runtime_checkable
class Study(Protocol):
    """One question that the benchmark asks about suspects."""

    @property
    def file(self) -> str:
        """Name of the file of its lines in the folder of a run."""

    @property
    def plan_part(self) -> type[PlanPart]:
        """Dataclass of the keys of a plan that belong to it."""

    @property
    def scale_part(self) -> type[ScalePart]:
        """Dataclass of the keys of a scale that belong to it."""

    def read_line(self, text: str) -> SuspectLine:
        """Return one line of its file; ValueError says why it is none."""

    def begin(self, assignment: Assignment) -> StudyRun | None:
        """Return the study of one plan; None where the plan does not ask for it."""

    def count_lines(self, plan: Plan, row: PlannedRow, lines: Sequence[SuspectLine]) -> LineCount:
        """Return how many lines of a row there are, among all `lines` of its file."""

    def report(self, contents: RunContents) -> StudyReport:
        """Return what a report says about it; ValueError when its part of the record is damaged."""
