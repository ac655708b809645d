"""The study of ownership: can copies of the victim be distinguished from unrelated models?

1. Make patterns, views, C-examples and border points.
2. Make the suspects that are tested, and those that encoders are trained on.
3. Train the encoders.
4. Test every suspect with all of it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from modelprint.bench.contents import RunContents
from modelprint.bench.jobs import Done
from modelprint.bench.lines import SuspectLine
from modelprint.bench.ownership.jobs import (
    Examination,
    MadeInput,
    border_job,
    encoder_job,
    examples_job,
    views_job,
)
from modelprint.bench.ownership.observation import OWNERSHIP_LINES, OwnershipObservation, read_line
from modelprint.bench.ownership.plan import OwnershipPart, OwnershipScale, PlannedOwnership
from modelprint.bench.ownership.record import ExamplesRecord, OwnershipRecord
from modelprint.bench.ownership.report import OwnershipReport, read_report
from modelprint.bench.ownership.victim import Victim
from modelprint.bench.plan import Plan, PlannedRow, PlanPart, ScalePart
from modelprint.bench.record import JsonObject
from modelprint.bench.study import Assignment, LineCount, RunStep
from modelprint.bench.suspects import Origin, line_id, origin_of
from modelprint.engine import Job
from modelprint.ownership import OWNERSHIP_SUSPECTS


@dataclass(frozen=True)
class OwnershipStudy:
    """Can copies of the victim be distinguished from unrelated models?"""

    file: str = OWNERSHIP_LINES
    plan_part: type[PlanPart] = OwnershipPart
    scale_part: type[ScalePart] = OwnershipScale

    def read_line(self, text: str) -> SuspectLine:
        """Return one observation; ValueError says why it is none."""
        return read_line(text)

    def begin(self, assignment: Assignment) -> "OwnershipRun | None":
        """Return the study of one plan; None where the plan does not ask for it."""
        planned = assignment.plan.part(OwnershipPart).ownership
        if planned is None:
            return None
        sibling = origin_of(assignment.describe_target(planned.sibling)) if planned.sibling else None
        return OwnershipRun(
            plan=assignment.plan,
            scale=assignment.scale,
            planned=planned,
            origin=origin_of(assignment.target),
            sibling=sibling,
        )

    def count_lines(self, plan: Plan, row: PlannedRow, lines: Sequence[SuspectLine]) -> LineCount:
        """Return how many observations of a row there are: of all suspects, and of the sibling's copies."""
        planned = plan.part(OwnershipPart).ownership
        if planned is None:
            return LineCount(planned=0, found=0, missed=frozenset())
        suspects = {line_id(row, seed) for seed in plan.seeds_of(row)}
        copies = min(row.training, len(suspects)) if _has_sibling_copies(planned, row) else 0
        ours = [one for one in lines if isinstance(one, OwnershipObservation) and one.suspect in suspects]
        asked = len(suspects) + copies
        return LineCount(
            planned=asked,
            found=min(len({(one.suspect, one.maker) for one in ours}), asked),
            missed=frozenset(one.suspect for one in ours if not one.goal_reached and not one.maker),
        )

    def report(self, contents: RunContents) -> OwnershipReport:
        """Return what a report says about ownership."""
        return read_report(contents)


def _has_sibling_copies(planned: PlannedOwnership, row: PlannedRow) -> bool:
    """Return whether the copies of a row that the sibling's encoder is trained on are tested as well."""
    return bool(planned.sibling) and OWNERSHIP_SUSPECTS.get(row.kind) == "copy"


class OwnershipRun:
    """The study of ownership of one plan, while it runs.

    Args:
        plan: At its scale.
        scale: Its name.
        planned: What the plan says about ownership.
        origin: The victim.
        sibling: Another victim whose encoder is tried; None for none.
    """

    def __init__(
        self, *, plan: Plan, scale: str, planned: PlannedOwnership, origin: Origin, sibling: Origin | None
    ) -> None:
        self._plan, self._scale, self._planned = plan, scale, planned
        origins = [origin, *([sibling] if sibling else [])]
        training = tuple((row, seed) for row in plan.suspects for seed in self._training_seeds(row))
        self._victims = [Victim(origin=one, planned=planned, seed=plan.seed, training=training) for one in origins]
        self._record = OwnershipRecord(
            alpha=planned.alpha,
            beta=planned.beta,
            sibling=planned.sibling,
            settings={
                "pattern": asdict(planned.universal()),
                "views": asdict(planned.clusters()),
                "encoder": asdict(planned.contrastive()),
            },
        )

    @property
    def order(self) -> Sequence[str]:
        """Keys of all observations, in the plan's order."""
        return list(self._examinations)

    @property
    def record(self) -> JsonObject:
        """What the record of the run says about ownership."""
        return self._record.to_json()

    def steps(self, found: Collection[str], failed: Collection[str]) -> Iterator[RunStep]:
        """Yield the steps; their numbers are those in the docstring of this module."""
        there = set(found)
        left = [one for key, one in self._examinations.items() if key not in there]
        yield RunStep(phase="making what ownership is tested with", jobs=self._input_jobs())  # (1)
        yield RunStep(phase="making suspects of ownership", jobs=self._suspect_jobs(left))  # (2)
        yield RunStep(phase="training encoders", jobs=self._encoder_jobs(failed))  # (3)
        yield RunStep(phase="testing the ownership of suspects", jobs=self._examination_jobs(left, failed))  # (4)

    def take(self, job: Job[Done[object]], done: Done[object]) -> Sequence[SuspectLine]:
        """Record an auxiliary input that was made; return an observation."""
        match done.value:
            case MadeInput(facts=facts):
                self._record_input(job, facts)
                return ()
            case OwnershipObservation() as observation:
                return (observation,)
            case _:
                return ()

    @cached_property
    def _examinations(self) -> dict[str, Examination]:
        """The suspects to test, by the key of the observation to be, in the plan's order.

        Last come the copies of the sibling that its encoder is trained on: made as copies are, and not the victim's.
        """
        victim, *others = self._victims
        ours = [
            Examination(
                plan=self._plan.name,
                scale=self._scale,
                victim=victim,
                sibling=others[0] if others else None,
                row=row,
                seed=seed,
                in_training=seed in self._training_seeds(row),
            )
            for row in self._plan.suspects
            for seed in self._plan.seeds_of(row)
        ]
        copies_of_others = [
            replace(one, in_training=False, maker=other.origin)
            for other in others
            for one in ours
            if one.in_training and OWNERSHIP_SUSPECTS[one.row.kind] == "copy"
        ]
        return {one.key: one for one in [*ours, *copies_of_others]}

    def _training_seeds(self, row: PlannedRow) -> tuple[int, ...]:
        return self._plan.seeds_of(row)[: row.training]

    @cached_property
    def _examples_names(self) -> dict[str, str]:
        """Key of a job -> the C-examples that it makes."""
        return {examples_job(self._victims[0], one).key: one.name for one in self._planned.examples}

    def _input_jobs(self) -> list[Job[Done[object]]]:
        """Return the jobs that make patterns, views, C-examples and border points."""
        victim = self._victims[0]
        jobs: list[Job[Done[object]]] = [views_job(one) for one in self._victims]
        jobs += [examples_job(victim, examples) for examples in self._planned.examples]
        return [*jobs, border_job(victim)] if self._planned.border else jobs

    def _suspect_jobs(self, left: Sequence[Examination]) -> list[Job[Done[object]]]:
        """Return the jobs that make the suspects that are tested, and those that encoders are trained on."""
        training = [suspect for victim in self._victims for suspect in victim.training_suspects()] if left else []
        jobs = [suspect.job() for suspect in [*training, *(one.suspect for one in left)]]
        return list({job.key: job for job in jobs}.values())

    def _encoder_jobs(self, failed: Collection[str]) -> list[Job[Done[object]]]:
        """Return the jobs that train the encoders of which nothing is missing."""
        return [
            encoder_job(victim)
            for victim in self._victims
            if not any(suspect.job().key in failed for suspect in victim.training_suspects())
            and views_job(victim).key not in failed
        ]

    def _examination_jobs(self, left: Sequence[Examination], failed: Collection[str]) -> list[Job[Done[object]]]:
        """Return the jobs that test suspects; none when an input that all tests need could not be made."""
        needed = {job.key for job in self._input_jobs()} | {encoder_job(victim).key for victim in self._victims}
        needed |= {suspect.job().key for victim in self._victims for suspect in victim.training_suspects()}
        if needed & set(failed):
            return []
        return [one.job() for one in left if one.suspect.job().key not in failed]

    def _record_input(self, job: Job[Done[object]], facts: JsonObject) -> None:
        """Keep what the record says about an auxiliary input."""
        if job.key not in self._examples_names:
            self._record = replace(self._record, made=self._record.made | {job.label: facts})
            return
        made = {**self._record.examples, self._examples_names[job.key]: ExamplesRecord(**facts)}
        ordered = {one.name: made[one.name] for one in self._planned.examples if one.name in made}
        self._record = replace(self._record, examples=ordered)
