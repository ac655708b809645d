"""The study of detection: how often fingerprints see suspects.

1. Make the tampered copies and the generators of images that fingerprints are made with.
2. Make fingerprints and suspects.
3. Ask every suspect about every fingerprint.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.fingerprints import ZOO_SEED, FingerprintRecipe, record_path
from modelprint.bench.detection.jobs import (
    MadeFingerprint,
    Observations,
    Question,
    fingerprint_job,
    generator_job,
    observation_key,
)
from modelprint.bench.detection.observation import OBSERVATIONS, Observation, read_line
from modelprint.bench.detection.plan import DetectionScale, PlannedDetection, seed_of
from modelprint.bench.detection.record import (
    DetectionRecord,
    FingerprintRecord,
    read_detection_record,
    record_fingerprint,
)
from modelprint.bench.detection.report import DetectionReport, read_report
from modelprint.bench.folder import RunFolder
from modelprint.bench.jobs import Done
from modelprint.bench.lines import SuspectLine
from modelprint.bench.plan import Plan, PlannedRow, PlanPart, ScalePart
from modelprint.bench.record import JsonObject
from modelprint.bench.study import Assignment, LineCount, RunStep, StudyRun
from modelprint.bench.suspects import Origin, PlannedSuspect, line_id, origin_of, suspect_of_row, usual_suspect
from modelprint.engine import Job
from modelprint.methods.method import UsesZoo
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.zoo import parse_recipe


@dataclass(frozen=True)
class DetectionStudy:
    """How often do fingerprints see suspects?"""

    file: str = OBSERVATIONS
    plan_part: type[PlanPart] = PlannedDetection
    scale_part: type[ScalePart] = DetectionScale

    def read_line(self, text: str) -> SuspectLine:
        """Return one observation; ValueError says why it is none."""
        return read_line(text)

    def begin(self, assignment: Assignment) -> StudyRun:
        """Return the study of one plan."""
        return DetectionRun(assignment)

    def count_lines(self, plan: Plan, row: PlannedRow, lines: Sequence[SuspectLine]) -> LineCount:
        """Return how many observations of a row there are."""
        names = {one.name for one in plan.part(PlannedDetection).fingerprints}
        suspects = {line_id(row, seed) for seed in plan.seeds_of(row)}
        ours = [
            one
            for one in lines
            if isinstance(one, Observation)
            and one.suspect in suspects
            and one.reference == row.reference
            and one.fingerprint in names
        ]
        return LineCount(
            planned=len(names) * len(suspects),
            found=len({(one.suspect, one.fingerprint) for one in ours}),
            missed=frozenset(one.suspect for one in ours if not one.goal_reached),
        )

    def report(self, contents: RunContents) -> DetectionReport:
        """Return what a report says about detection."""
        return read_report(contents)


class DetectionRun:
    """The study of detection of one plan, while it runs."""

    def __init__(self, assignment: Assignment) -> None:
        self._plan, self._scale = assignment.plan, assignment.scale
        self._planned = assignment.plan.part(PlannedDetection)
        self._origin = origin_of(assignment.target)
        self._folder: RunFolder = assignment.folder
        self._record = _begin_record(self._planned, assignment.earlier)
        self._questions = self._plan_questions()

    @property
    def order(self) -> Sequence[str]:
        """Keys of all observations, in the plan's order."""
        return [key for question in self._questions for key in question.recipes]

    @property
    def record(self) -> JsonObject:
        """What the record of the run says about detection."""
        return self._record.to_json()

    def steps(self, found: Collection[str], failed: Collection[str]) -> Iterator[RunStep]:
        """Yield the steps; their numbers are those in the docstring of this module."""
        there = set(found)
        questions = [left for question in self._questions if (left := _without(question, there)).recipes]
        recipes = self._needed_recipes(questions)
        yield RunStep(phase="making copies and generators", jobs=self._auxiliary_jobs(recipes))  # (1)
        yield RunStep(phase="making fingerprints and suspects", jobs=self._main_jobs(recipes, questions))  # (2)
        yield RunStep(phase="asking the suspects", jobs=self._question_jobs(questions, failed))  # (3)

    def take(self, job: Job[Done[object]], done: Done[object]) -> Sequence[SuspectLine]:
        """Record a fingerprint that was made; return observations."""
        match done.value:
            case MadeFingerprint() as made:
                name = next(one.planned.name for one in self._recipes() if self._fingerprint_job(one).key == job.key)
                self._record_fingerprint(name, made, done.seconds)
                return ()
            case Observations(lines=lines):
                return lines
            case _:
                return ()

    def _recipes(self) -> list[FingerprintRecipe]:
        planned = self._planned
        return [
            FingerprintRecipe(planned=one, seed=seed_of(self._plan, one), zoo=planned.zoo)
            for one in planned.fingerprints
        ]

    def _plan_questions(self) -> list[Question]:
        """Return every suspect of the plan with all fingerprints, in the plan's order."""
        return [
            Question(
                plan=self._plan.name,
                scale=self._scale,
                origin=self._origin,
                row=row,
                seed=seed,
                recipes=self._keyed_recipes(suspect_of_row(self._origin, row, seed), row.reference),
            )
            for row in self._plan.suspects
            for seed in self._plan.seeds_of(row)
        ]

    def _keyed_recipes(self, suspect: PlannedSuspect, reference: str) -> dict[str, FingerprintRecipe]:
        return {observation_key(suspect, reference, recipe): recipe for recipe in self._recipes()}

    def _needed_recipes(self, questions: Sequence[Question]) -> list[FingerprintRecipe]:
        """Return the fingerprints that are still to be asked about, or whose facts or file are not in the folder."""
        asked = {recipe.planned.name for question in questions for recipe in question.recipes.values()}
        return [recipe for recipe in self._recipes() if recipe.planned.name in asked or not self._is_recorded(recipe)]

    def _is_recorded(self, recipe: FingerprintRecipe) -> bool:
        planned = recipe.planned
        is_there = planned.form == "float" or self._folder.sample_file(planned.name).is_file()
        return planned.name in self._record.fingerprints and is_there

    def _auxiliary_jobs(self, recipes: Sequence[FingerprintRecipe]) -> list[Job[Done[object]]]:
        """Return the jobs that make what fingerprints that are not there yet are made with."""
        jobs: dict[str, Job[Done[object]]] = {}
        for recipe in recipes:
            if record_path(recipe.key(self._origin.model, self._origin.data)).is_file():
                continue
            if generator := recipe.planned.generator():
                job = generator_job(self._origin, generator)
                jobs[job.key] = job
            for copy in _zoo_copies(recipe, self._origin):
                jobs[copy.job().key] = copy.job("zoo")
        return list(jobs.values())

    def _main_jobs(
        self, recipes: Sequence[FingerprintRecipe], questions: Sequence[Question]
    ) -> list[Job[Done[object]]]:
        # Fingerprints come first, since one takes longer than most suspects.
        jobs: list[Job[Done[object]]] = [self._fingerprint_job(recipe) for recipe in recipes]
        jobs += [suspect.job() for question in questions for suspect in question.needed_suspects()]
        return list({job.key: job for job in jobs}.values())

    def _question_jobs(self, questions: Sequence[Question], failed: Collection[str]) -> list[Job[Done[object]]]:
        """Return the jobs that ask whatever could be made about whatever could be made."""
        jobs: list[Job[Done[object]]] = []
        for question in questions:
            if any(suspect.job().key in failed for suspect in question.needed_suspects()):
                continue
            recipes = {
                key: recipe
                for key, recipe in question.recipes.items()
                if self._fingerprint_job(recipe).key not in failed
            }
            if recipes:
                jobs.append(replace(question, recipes=recipes).job())
        return jobs

    def _fingerprint_job(self, recipe: FingerprintRecipe) -> Job[Done[MadeFingerprint]]:
        return fingerprint_job(self._origin, recipe, self._planned.random_subsets)

    def _record_fingerprint(self, name: str, made: MadeFingerprint, seconds: float | None) -> None:
        """Keep the sealed file of a fingerprint, and what the record says about it."""
        if made.content:
            self._folder.write_sample(name, made.content)
        file = str(self._folder.sample_file(name).relative_to(self._folder.path)) if made.content else ""
        new = record_fingerprint(made.facts, seconds=seconds, file=file, random_subsets=made.random_subsets)
        known = self._record.fingerprints | {name: new}
        self._record = replace(self._record, fingerprints=_in_plan_order(self._planned, known))


def _begin_record(planned: PlannedDetection, earlier: JsonObject) -> DetectionRecord:
    """Return the record at the beginning; facts of fingerprints that have changed since `earlier` are left out."""
    known = read_detection_record(earlier)
    is_same = known.random_subsets == planned.random_subsets
    return DetectionRecord(
        outputs=planned.outputs,
        ns=planned.ns,
        random_subsets=planned.random_subsets,
        fingerprints=_in_plan_order(planned, known.fingerprints) if is_same else {},
    )


def _in_plan_order(planned: PlannedDetection, known: dict[str, FingerprintRecord]) -> dict[str, FingerprintRecord]:
    return {one.name: known[one.name] for one in planned.fingerprints if one.name in known}


def _without(question: Question, found: Collection[str]) -> Question:
    """Return what is left of a question when these observations are there."""
    return replace(question, recipes={key: recipe for key, recipe in question.recipes.items() if key not in found})


def _zoo_copies(recipe: FingerprintRecipe, origin: Origin) -> list[PlannedSuspect]:
    """Return every tampered copy that a fingerprint, or the order of asking it, is made with."""
    method = recipe.planned.build()
    zoos = [(recipe.zoo, ZOO_SEED)] + ([(method.zoo, method.zoo_seed)] if isinstance(method, UsesZoo) else [])
    copies = []
    for entries, first in zoos:
        for kind, count in parse_recipe(entries).items() if entries else ():
            seeds = [0] if build(SUITE, kind).deterministic else range(first, first + count)
            copies += [usual_suspect(origin, kind, seed) for seed in seeds]
    return copies
