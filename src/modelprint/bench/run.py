"""A run of a plan: what is missing is made, job by job; whatever stops it costs the jobs in hand at most.

    with closing(EXECUTORS["processes"](workers=2)) as executor:
        summary = run(plan, "laptop", executor, RunFolder(Path("runs/table1")), text=..., command="...")

Jobs find in the cache what earlier runs made, so that a second call goes on where the first was, and another plan about
the same target shares its suspects.
"""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from modelprint.bench.fingerprints import ZOO_SEED, Recipe, pool_path
from modelprint.bench.folder import RunFolder
from modelprint.bench.jobs import (
    Done,
    Origin,
    Question,
    digest_of,
    look_at_target,
    observation_key,
    observe,
    prepare_fingerprint,
    prepare_generator,
    suspect_job,
)
from modelprint.bench.locks import run_folder_locked
from modelprint.bench.observation import Observation
from modelprint.bench.ownership.finding import Finding
from modelprint.bench.ownership.study import Study
from modelprint.bench.plan import Bags, Plan, PlannedGenerator, at_scale
from modelprint.engine import Executor, Job, work_through
from modelprint.engine.executor import disk_is_full
from modelprint.errors import BenchError
from modelprint.methods.method import UsesZoo
from modelprint.progress import Progress, ignore_progress
from modelprint.settings import build, format_settings
from modelprint.tamperings import SUITE
from modelprint.tamperings.zoo import parse_recipe

Tell = Callable[[str], None]
"""Told one line per finished job."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How a run ended.

    Attributes:
        planned: Observations of the plan, and findings about ownership.
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
        """How many observations are not there."""
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
    tell: Tell = lambda line: None,
) -> Summary:
    """Make all observations of a plan that are not there yet.

    1. Look at the target; the contents of everything follow from its weights, its data and the plan.
    2. Take over the observations that are there; take out what is damaged.
    3. Make the tampered copies and the generators of images that fingerprints are made with.
    4. Make fingerprints and suspects.
    5. Ask every suspect about every fingerprint; each observation is written down when it comes.
    6. Where the plan asks for it, find out whose the suspects are; each finding is written down when it comes.
    7. Put all lines into the plan's order, and write down what ran and what is missing.

    Args:
        plan: What to do.
        scale: How much of it.
        executor: Who does it; the caller closes it.
        folder: Where the results go.
        text: The plan as its file has it, for the copy in the folder.
        command: What was called, for the protocol.
        most_models: No row gets more suspects than this; a later run without it adds the others.
        progress: Told how many jobs of a phase are done.
        tell: Told about each job.

    Raises:
        BenchError: The folder is another run's or in use, or the disk is full; what is done is kept.
        DataError: The target's data or weights are not there.
    """
    small = at_scale(plan, scale, most_models)
    folder.prepare(plan.name, scale)
    try:
        with run_folder_locked(folder.path):
            folder.begin(plan.name, scale, text)
            return _Run(small, scale, executor, folder, progress, tell).all(command)
    except OSError as problem:
        if disk_is_full(problem):
            raise _full(str(problem)) from problem
        raise


class _Run:
    """One run: where everything goes, and what has gone wrong so far."""

    def __init__(
        self, plan: Plan, scale: str, executor: Executor, folder: RunFolder, progress: Progress, tell: Tell
    ) -> None:
        self.plan, self.scale = plan, scale
        self.executor, self.folder = executor, folder
        self.progress, self.tell = progress, tell
        self.failed: dict[str, str] = {}
        self.remarks: list[str] = []
        self.timed = set(folder.timed())

    def all(self, command: str) -> Summary:
        """Do everything; the numbers are those of `run`."""
        protocol = self.folder.read_protocol()
        target = self._look_at_target(self.plan.target, protocol.get("target", {}))  # (1)
        origin = _origin(target)
        study = self._study(origin)
        questions = self._questions(origin)
        order = [key for question in questions for key in question.recipes]
        whose = study.order if study else []
        found, remarks = self.folder.recover(order)  # (2)
        self.remarks += remarks
        findings, remarks = self.folder.recover_findings(whose)
        self.remarks += remarks
        planned = len(order) + len(whose)
        protocol = self._protocol(command, target, protocol, planned)
        self.folder.write_protocol(protocol)
        before = len(found) + len(findings)
        if before:
            self.tell(f"{before} of {planned} observations already there")
        open_questions = [left for question in questions if (left := _without(question, found)).recipes]
        recipes = self._recipes_needed(open_questions, protocol["fingerprints"])
        self._make_aids(recipes, origin)  # (3)
        self._make(recipes, open_questions, origin, protocol)  # (4)
        self._ask(open_questions, origin, found)  # (5)
        if study:
            self._find_out(study, findings, protocol)  # (6)
            self.folder.settle_findings(findings, whose)  # (7)
        self.folder.settle(found, order)
        problems = tuple(self.failed.values())
        self.folder.write_protocol(protocol | {"problems": list(problems), "remarks": self.remarks})
        made = len(found) + len(findings) - before
        return Summary(planned=planned, found=before, made=made, problems=problems, remarks=tuple(self.remarks))

    def _look_at_target(self, name: str, known: Mapping[str, Any]) -> dict[str, Any]:
        job = Job(
            key=f"target-{name}",
            label=f"target {name}",
            function=look_at_target,
            arguments=(name, str(known.get("model_sha256", ""))),
        )
        facts: dict[str, Any] = {}
        self._work("looking at the target", [job], lambda _, done: facts.update(done.value))
        if not facts:
            raise BenchError(self.failed[job.key])
        return {"accuracy": known.get("accuracy"), **facts}

    def _study(self, origin: Origin) -> Study | None:
        """Return what is to be found out about ownership; None where the plan does not ask."""
        planned = self.plan.ownership
        if planned is None:
            return None
        sibling = _origin(self._look_at_target(planned.sibling, {})) if planned.sibling else None
        return Study(plan=self.plan, scale=self.scale, origin=origin, sibling=sibling)

    def _find_out(self, study: Study, findings: dict[str, Finding], protocol: dict[str, Any]) -> None:
        """Make what ownership is asked with, then ask whatever suspects could be made."""
        facts: dict[str, Any] = {}

        def note(job: Job, done: Done) -> None:
            facts[job.label] = done.value
            protocol["ownership"] = study.facts(facts)
            self.folder.write_protocol(protocol)

        def keep(job: Job, done: Done) -> None:
            self.folder.add(done.value)
            findings[done.value.key] = done.value

        left = study.without(findings)
        self._work("making what ownership is asked with", study.aids(), note)
        self._work("making suspects of ownership", study.suspects(left))
        self._work("making encoders", study.encoders(self.failed), note)
        self._work("asking whose the suspects are", study.questions(left, self.failed), keep)

    def _recipes(self) -> list[Recipe]:
        plan = self.plan
        return [Recipe(planned=one, seed=plan.seed_of(one), zoo=plan.zoo) for one in plan.fingerprints]

    def _questions(self, origin: Origin) -> list[Question]:
        """Return every suspect of the plan with all fingerprints, in the plan's order."""
        recipes = self._recipes()
        return [
            Question(
                plan=self.plan.name,
                scale=self.scale,
                target=origin.target,
                row=row,
                seed=seed,
                recipes={observation_key(origin, row, seed, recipe): recipe for recipe in recipes},
            )
            for row in self.plan.suspects
            for seed in self.plan.seeds_of(row)
        ]

    def _recipes_needed(self, questions: Sequence[Question], known: Mapping[str, Any]) -> list[Recipe]:
        """Return the fingerprints that are still to be asked about, or whose facts or file are not in the folder."""
        asked = {recipe.planned.name for question in questions for recipe in question.recipes.values()}
        needed = []
        for recipe in self._recipes():
            name = recipe.planned.name
            there = name in known and (recipe.planned.form == "float" or self.folder.sample_file(name).is_file())
            if name in asked or not there:
                needed.append(recipe)
        return needed

    def _make_aids(self, recipes: Sequence[Recipe], origin: Origin) -> None:
        jobs: dict[str, Job] = {}
        for recipe in recipes:
            if not pool_path(recipe.key(origin.model, origin.data)).is_file():
                generator = recipe.planned.generator()
                aids = [suspect_job("zoo", origin, kind, {}, seed) for kind, seed in _copies(recipe)]
                for job in aids if generator is None else [_generator_job(origin, generator), *aids]:
                    jobs[job.key] = job
        self._work("making copies and generators to learn from", list(jobs.values()))

    def _make(
        self, recipes: Sequence[Recipe], questions: Sequence[Question], origin: Origin, protocol: dict[str, Any]
    ) -> None:
        jobs = {}
        for recipe in recipes:  # first, since one takes longer than most suspects
            job = _fingerprint_job(recipe, origin, self.plan.bags)
            jobs[job.key] = job
        names = {job.key: recipe.planned.name for job, recipe in zip(jobs.values(), recipes, strict=True)}
        for question in questions:
            for job in _suspect_jobs(question, origin):
                jobs[job.key] = job

        def keep(job: Job, done: Done) -> None:
            if job.key in names:
                self._keep_fingerprint(names[job.key], done, protocol)

        self._work("making fingerprints and suspects", list(jobs.values()), keep)

    def _keep_fingerprint(self, name: str, done: Done, protocol: dict[str, Any]) -> None:
        content = done.value["content"]
        if content:
            self.folder.write_sample(name, content)
        file = str(self.folder.sample_file(name).relative_to(self.folder.path)) if content else ""
        known = protocol["fingerprints"]
        known[name] = done.value["facts"] | {"seconds": done.seconds, "file": file, "bags": done.value["bags"]}
        names = [fingerprint.name for fingerprint in self.plan.fingerprints]
        protocol["fingerprints"] = {name: known[name] for name in names if name in known}
        self.folder.write_protocol(protocol)

    def _ask(self, questions: Sequence[Question], origin: Origin, found: dict[str, Observation]) -> None:
        """Ask whatever could be made about whatever could be made."""
        jobs = []
        for question in questions:
            if any(job.key in self.failed for job in _suspect_jobs(question, origin)):
                continue
            recipes = {
                key: recipe
                for key, recipe in question.recipes.items()
                if _fingerprint_job(recipe, origin).key not in self.failed
            }
            label = f"observations of {question.row.kind}, seed {question.seed}"
            key = f"observe-{digest_of(sorted(recipes))}"
            if recipes:
                jobs.append(
                    Job(key=key, label=label, function=observe, arguments=(replace(question, recipes=recipes),))
                )

        def keep(job: Job, done: Done) -> None:
            for observation in done.value:
                self.folder.add(observation)
                found[observation.key] = observation

        self._work("asking the suspects", jobs, keep)

    def _work(
        self, phase: str, jobs: Sequence[Job], keep: Callable[[Job, Done], None] = lambda job, done: None
    ) -> None:
        """Get jobs done, hand what each returns to `keep`, and note its time, its problem and its remarks."""
        if not jobs:
            return
        by_key, started = {job.key: job for job in jobs}, time.monotonic()
        # What an earlier call of this run has timed is in the cache and takes no time worth counting.
        ahead = set(by_key) - self.timed or set(by_key)
        new = len(ahead)
        self.progress(phase, 0, len(jobs))
        for count, outcome in enumerate(work_through(self.executor, jobs), start=1):
            job = by_key[outcome.key]
            if outcome.fatal:
                raise _full(outcome.problem)
            if outcome.problem:
                self.failed[job.key] = f"{job.label}: {outcome.problem}"
                said = f"failed: {outcome.problem}"
            else:
                done: Done = outcome.value
                self.remarks += [f"{job.label}: {remark}" for remark in done.remarks]
                seconds = outcome.seconds if done.seconds is None else done.seconds
                self._note_time(job, seconds)
                keep(job, done)
                said = f"{seconds:.1f} s"
            self.progress(phase, count, len(jobs))
            ahead.discard(job.key)
            left = (time.monotonic() - started) / max(new - len(ahead), 1) * len(ahead)
            self.tell(f"{phase}, {count} of {len(jobs)}: {job.label}, {said}; about {duration(left)} left")

    def _note_time(self, job: Job, seconds: float) -> None:
        if job.key not in self.timed:
            self.folder.add_timing(job.key, job.label, seconds)
            self.timed.add(job.key)

    def _protocol(
        self, command: str, target: dict[str, Any], before: Mapping[str, Any], planned: int
    ) -> dict[str, Any]:
        """Return what is written down about the run; facts of fingerprints that changed since are left out."""
        bags = None if self.plan.bags is None else asdict(self.plan.bags)
        same = before.get("target", {}) == target and before.get("bags") == bags
        kept = before.get("fingerprints", {}) if same else {}
        wanted = {recipe.planned.name: recipe for recipe in self._recipes()}
        return {
            "plan": self.plan.name,
            "title": self.plan.title,
            "scale": self.scale,
            "seed": self.plan.seed,
            "command": command,
            "executor": type(self.executor).__name__.lower(),
            "target": target,
            "planned": planned,
            "outputs": list(self.plan.outputs),
            "ns": list(self.plan.ns),
            "bags": bags,
            "fingerprints": {name: facts for name, facts in kept.items() if name in wanted},
            "problems": [],
            "remarks": [],
            "versions": {
                "modelprint": version("modelprint"),
                "python": platform.python_version(),
                "torch": version("torch"),
            },
            "created": before.get("created") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _origin(target: Mapping[str, Any]) -> Origin:
    return Origin(target=target["name"], model=target["model_sha256"], data=target["data_sha256"])


def _without(question: Question, found: Mapping[str, Observation]) -> Question:
    """Return what is left of a question when these observations are there."""
    return replace(question, recipes={key: recipe for key, recipe in question.recipes.items() if key not in found})


def _copies(recipe: Recipe) -> list[tuple[str, int]]:
    """Return kind and seed of every tampered copy that a fingerprint, or the order of asking it, learns from."""
    method = recipe.planned.build()
    zoos = [(recipe.zoo, ZOO_SEED)] + ([(method.zoo, method.zoo_seed)] if isinstance(method, UsesZoo) else [])
    copies = []
    for entries, first in zoos:
        for kind, count in parse_recipe(entries).items() if entries else ():
            fixed = build(SUITE, kind).deterministic
            copies += [(kind, 0)] if fixed else [(kind, seed) for seed in range(first, first + count)]
    return copies


def _generator_job(origin: Origin, generator: PlannedGenerator) -> Job:
    return Job(
        key=f"generator-{digest_of([origin.data, generator])}",
        label=f"generator {generator.name}, seed {generator.seed}",
        function=prepare_generator,
        arguments=(origin.target, generator),
    )


def _suspect_jobs(question: Question, origin: Origin) -> list[Job]:
    """Return the jobs that make a suspect and the one whose labels it is held against."""
    row = question.row
    jobs = [suspect_job("suspect", origin, row.kind, format_settings(row.settings), question.seed)]
    return [*jobs, suspect_job("suspect", origin, row.reference, {}, 0)] if row.reference else jobs


def _fingerprint_job(recipe: Recipe, origin: Origin, bags: Bags | None = None) -> Job:
    return Job(
        key=f"fingerprint-{recipe.key(origin.model, origin.data)}",
        label=f"fingerprint {recipe.planned.name}",
        function=prepare_fingerprint,
        arguments=(origin.target, recipe, bags),
    )


def _full(problem: str) -> BenchError:
    return BenchError(f"{problem}; what is done is kept: free some space and run the same command again")


def duration(seconds: float) -> str:
    """Return a time span for people, in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
