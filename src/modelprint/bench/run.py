"""A run of a plan: what is missing is made, job by job; whatever stops it costs the jobs in progress at most.

    with closing(EXECUTORS["processes"](workers=2)) as executor:
        summary = run(plan, "laptop", executor, RunFolder(Path("runs/table1")), text=..., command="...")

Jobs find in the cache what earlier runs made, so that a second call continues where the first one stopped, and another
plan about the same target shares its suspects.
"""

import platform
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

from modelprint.bench.folder import RunFolder
from modelprint.bench.jobs import Done
from modelprint.bench.lines import SuspectLine
from modelprint.bench.locks import lock_run_folder
from modelprint.bench.plan import Plan, at_scale
from modelprint.bench.record import RunRecord, TargetRecord
from modelprint.bench.studies import STUDIES
from modelprint.bench.study import Assignment, RunStep, StudyRun
from modelprint.bench.suspects import describe_target
from modelprint.engine import Executor, Job, JobResult, work_through
from modelprint.engine.executor import disk_is_full
from modelprint.errors import BenchError
from modelprint.progress import Progress, ignore_progress

Report = Callable[[str], None]
"""Called with one line per finished job."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How a run ended.

    Attributes:
        planned: Lines of the plan, of all studies.
        found: How many were there before.
        made: How many were added.
        problems: Why the others are missing, one sentence per job that failed.
        remarks: What else a person should know, e.g. that a damaged file was made again.
    """

    planned: int
    found: int
    made: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many lines are not there."""
        return self.planned - self.found - self.made


def run(
    plan: Plan,
    scale: str,
    executor: Executor,
    folder: RunFolder,
    *,
    text: str,
    command: str,
    most_models: int | None = None,
    progress: Progress = ignore_progress,
    show: Report = lambda line: None,
) -> Summary:
    """Make all lines of a plan that are not there yet.

    1. Look at the target; the contents of everything follow from its weights, its data and the plan.
    2. Begin the studies, take over the lines that are there, and take out what is damaged.
    3. Do the steps of each study. A line is written as soon as it is there, and so is what the record says.
    4. Put all lines into the plan's order, and write down what ran and what is missing.

    Args:
        plan: What to do.
        scale: How much of it.
        executor: Who does it; the caller closes it.
        folder: Where the results go.
        text: The plan as its file has it, for the copy in the folder.
        command: What was called, for the record.
        most_models: No row gets more suspects than this; a later run without it adds the others.
        progress: Called with how many jobs of a phase are done.
        show: Called with a line about each job.

    Raises:
        BenchError: The folder is another run's or in use, or the disk is full; what is done is kept.
        DataError: The target's data or weights are not there.
    """
    small = at_scale(plan, scale, most_models)
    folder.prepare(plan.name, scale)
    try:
        with lock_run_folder(folder.path):
            folder.begin(plan.name, scale, text)
            return _Run(small, scale, executor, folder, progress, show).complete(command)
    except OSError as problem:
        if disk_is_full(problem):
            raise _full_disk_error(str(problem)) from problem
        raise


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """A study of the run, and its lines.

    Attributes:
        name: In STUDIES.
        run: The study.
        lines: By key; grows while the run goes on.
    """

    name: str
    run: StudyRun
    lines: dict[str, SuspectLine]

    @property
    def file(self) -> str:
        """Where its lines are written."""
        return STUDIES[self.name].file


class _Run:
    """One run: its record, and what has gone wrong so far."""

    def __init__(
        self, plan: Plan, scale: str, executor: Executor, folder: RunFolder, progress: Progress, show: Report
    ) -> None:
        self.plan, self.scale = plan, scale
        self.executor, self.folder = executor, folder
        self.progress, self.show = progress, show
        self.failed: dict[str, str] = {}
        self.remarks: list[str] = []
        self.timed = set(folder.read_timings())
        self.record = folder.read_record() or RunRecord(plan=plan.name, scale=scale)

    def complete(self, command: str) -> Summary:
        """Do everything; the numbers are those of `run`."""
        earlier = self.record
        target = self._describe_target(self.plan.target, earlier.target)  # (1)
        studies = self._begin_studies(target, earlier)  # (2)
        planned, before = _count_planned(studies), _count_lines(studies)
        self.record = self._new_record(command, target, planned, earlier.created)
        self._write_record(studies)
        if before:
            self.show(f"{before} of {planned} observations already there")
        for study in studies:
            for step in study.run.steps(list(study.lines), self.failed):  # (3)
                self._do_step(step, study, studies)
        for study in studies:
            self.folder.settle(study.file, study.lines, study.run.order)  # (4)
        problems, remarks = tuple(self.failed.values()), tuple(self.remarks)
        self.record = replace(self.record, problems=problems, remarks=remarks)
        self._write_record(studies)
        made = _count_lines(studies) - before
        return Summary(planned=planned, found=before, made=made, problems=problems, remarks=remarks)

    def _describe_target(self, name: str, known: TargetRecord | None = None) -> TargetRecord:
        known = known or TargetRecord()
        job = Job(
            key=f"target-{name}",
            label=f"target {name}",
            function=describe_target,
            arguments=(name, known.model_sha256),
        )
        found = [done.value for _, done in self._finish_jobs("looking at the target", [job])]
        if not found:
            raise BenchError(self.failed[job.key])
        (target,) = found
        assert isinstance(target, TargetRecord)
        return replace(target, accuracy=known.accuracy) if target.accuracy is None else target

    def _begin_studies(self, target: TargetRecord, earlier: RunRecord) -> list[_Begun]:
        """Begin the studies that the plan asks for, with the lines that are there."""
        studies = []
        for name, study in STUDIES.items():
            assignment = Assignment(
                plan=self.plan,
                scale=self.scale,
                target=target,
                folder=self.folder,
                earlier=earlier.studies.get(name, {}) if earlier.target == target else {},
                describe_target=self._describe_target,
            )
            if begun := study.begin(assignment):
                lines, remarks = self.folder.recover(study.file, study.read_line, begun.order)
                self.remarks += remarks
                studies.append(_Begun(name=name, run=begun, lines=lines))
        return studies

    def _new_record(self, command: str, target: TargetRecord, planned: int, created: str) -> RunRecord:
        return RunRecord(
            plan=self.plan.name,
            scale=self.scale,
            title=self.plan.title,
            seed=self.plan.seed,
            command=command,
            executor=type(self.executor).__name__.lower(),
            target=target,
            planned=planned,
            versions={
                "modelprint": version("modelprint"),
                "python": platform.python_version(),
                "torch": version("torch"),
            },
            created=created or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _write_record(self, studies: Sequence[_Begun]) -> None:
        self.record = replace(self.record, studies={study.name: study.run.record for study in studies})
        self.folder.write_record(self.record)

    def _do_step(self, step: RunStep, study: _Begun, studies: Sequence[_Begun]) -> None:
        """Do the jobs of a step; write each line, and the record where the study has more to say."""
        for job, done in self._finish_jobs(step.phase, step.jobs):
            before = study.run.record
            for line in study.run.take(job, done):
                self.folder.add(study.file, line)
                study.lines[line.key] = line
            if study.run.record != before:
                self._write_record(studies)

    def _finish_jobs(
        self, phase: str, jobs: Sequence[Job[Done[object]]]
    ) -> Iterator[tuple[Job[Done[object]], Done[object]]]:
        """Yield each job that was done with what it returned; note times, problems and remarks."""
        if not jobs:
            return
        by_key, clock = {job.key: job for job in jobs}, _Clock(jobs, self.timed)
        self.progress(phase, 0, len(jobs))
        for count, result in enumerate(work_through(self.executor, jobs), start=1):
            job = by_key[result.key]
            done = result.value
            if done is None:
                self._note_problem(job, result)
                end = f"failed: {result.problem}"
            else:
                seconds = result.seconds if done.seconds is None else done.seconds
                self._note_time(job, seconds)
                self.remarks += [f"{job.label}: {remark}" for remark in done.remarks]
                yield job, done
                end = f"{seconds:.1f} s"
            self.progress(phase, count, len(jobs))
            left = duration(clock.seconds_left(job))
            self.show(f"{phase}, {count} of {len(jobs)}: {job.label}, {end}; about {left} left")

    def _note_problem(self, job: Job[Done[object]], result: JobResult[Done[object]]) -> None:
        if result.fatal:
            raise _full_disk_error(result.problem)
        self.failed[job.key] = f"{job.label}: {result.problem}"

    def _note_time(self, job: Job[Done[object]], seconds: float) -> None:
        if job.key not in self.timed:
            self.folder.add_timing(job.key, job.label, seconds)
            self.timed.add(job.key)


class _Clock:
    """Estimates how long a step takes: the jobs that are left take as long as those that were done."""

    def __init__(self, jobs: Sequence[Job[Done[object]]], timed: Collection[str]) -> None:
        keys = {job.key for job in jobs}
        # What an earlier call of this run has timed is in the cache and takes no time worth counting.
        self._left = keys - set(timed) or keys
        self._count, self._started = len(self._left), time.monotonic()

    def seconds_left(self, job: Job[Done[object]]) -> float:
        """Return the seconds left, now that a job is done."""
        self._left.discard(job.key)
        each = (time.monotonic() - self._started) / max(self._count - len(self._left), 1)
        return each * len(self._left)


def _count_planned(studies: Sequence[_Begun]) -> int:
    return sum(len(study.run.order) for study in studies)


def _count_lines(studies: Sequence[_Begun]) -> int:
    return sum(len(study.lines) for study in studies)


def _full_disk_error(problem: str) -> BenchError:
    return BenchError(f"{problem}; what is done is kept: free some space and run the same command again")


def duration(seconds: float) -> str:
    """Return a time span for people, in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
