"""What a plan's question of ownership comes to, as jobs: what is made first, who is asked, and in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from modelprint.bench.jobs import Origin, suspect_job
from modelprint.bench.ownership.finding import Finding
from modelprint.bench.ownership.jobs import (
    Examination,
    Victim,
    examine,
    prepare_border,
    prepare_encoder,
    prepare_examples,
    prepare_views,
)
from modelprint.bench.ownership.plan import PlannedOwnership
from modelprint.bench.plan import Plan, PlannedRow
from modelprint.engine import Job
from modelprint.ownership import OWNERSHIP_SUSPECTS
from modelprint.settings import format_settings


@dataclass(frozen=True, kw_only=True)
class Study:
    """The question of ownership of one plan.

    Attributes:
        plan: At its scale, with a part about ownership.
        scale: Its name.
        origin: The victim.
        sibling: Another victim whose encoder is tried; None for none.
    """

    plan: Plan
    scale: str
    origin: Origin
    sibling: Origin | None

    @cached_property
    def planned(self) -> PlannedOwnership:
        """What the plan says about ownership."""
        if self.plan.ownership is None:
            raise ValueError(f"plan {self.plan.name} does not ask for ownership")
        return self.plan.ownership

    @cached_property
    def victims(self) -> tuple[Victim, ...]:
        """The victim, and its sibling where there is one; encoders of both learn from the same rows."""
        learners = tuple((row, seed) for row in self.plan.suspects for seed in self._taught(row))
        origins = [self.origin, *([self.sibling] if self.sibling else [])]
        return tuple(
            Victim(origin=origin, planned=self.planned, seed=self.plan.seed, learners=learners) for origin in origins
        )

    @cached_property
    def examinations(self) -> dict[str, Examination]:
        """What is asked, by the key of the finding to be, in the plan's order.

        Last come the copies of the sibling that its encoder learns from: made as copies are, and none of the victim's.
        """
        victim, *others = self.victims
        asked = [
            Examination(
                plan=self.plan.name,
                scale=self.scale,
                victim=victim,
                sibling=others[0] if others else None,
                row=row,
                seed=seed,
                learnt=seed in self._taught(row),
            )
            for row in self.plan.suspects
            for seed in self.plan.seeds_of(row)
        ]
        strangers = [
            replace(one, learnt=False, maker=other.origin)
            for other in others
            for one in asked
            if one.learnt and OWNERSHIP_SUSPECTS[one.row.kind] == "copy"
        ]
        return {one.key: one for one in [*asked, *strangers]}

    @property
    def order(self) -> list[str]:
        """Keys of all findings."""
        return list(self.examinations)

    def without(self, found: Mapping[str, Finding]) -> list[Examination]:
        """Return what is still to be asked."""
        return [one for key, one in self.examinations.items() if key not in found]

    def aids(self) -> list[Job]:
        """Return the jobs that make patterns, C-examples and border points."""
        victim = self.victims[0]
        jobs = [
            Job(key=f"views-{one.views_key}", label=_views(one), function=prepare_views, arguments=(one,))
            for one in self.victims
        ]
        for examples in self.planned.examples:
            key, label = f"examples-{victim.examples_key(examples)}", f"c-examples {examples.name}"
            jobs.append(Job(key=key, label=label, function=prepare_examples, arguments=(victim, examples)))
        if self.planned.border:
            key = f"border-{victim.border_key}"
            jobs.append(Job(key=key, label="border points", function=prepare_border, arguments=(victim,)))
        return jobs

    def suspects(self, left: Sequence[Examination]) -> list[Job]:
        """Return the jobs that make the suspects that are asked, and those that encoders learn from."""
        jobs = {job.key: job for victim in self.victims for job in _learners(victim)} if left else {}
        return list((jobs | {job.key: job for job in map(_suspect, left)}).values())

    def encoders(self, failed: Mapping[str, str]) -> list[Job]:
        """Return the jobs that make the encoders of which nothing is missing."""
        return [
            Job(key=f"encoder-{one.encoder_key}", label=_encoder(one), function=prepare_encoder, arguments=(one,))
            for one in self.victims
            if not any(job.key in failed for job in _learners(one)) and f"views-{one.views_key}" not in failed
        ]

    def questions(self, left: Sequence[Examination], failed: Mapping[str, str]) -> list[Job]:
        """Return the jobs that ask; none when something that everybody is asked with could not be made."""
        needed = {job.key for job in self.aids()} | {f"encoder-{one.encoder_key}" for one in self.victims}
        needed |= {job.key for victim in self.victims for job in _learners(victim)}
        if needed & set(failed):
            return []
        return [
            Job(
                key=f"examine-{one.key}",
                label=f"findings of {one.row.kind}{_whose(one)}, seed {one.seed}",
                function=examine,
                arguments=(one,),
            )
            for one in left
            if _suspect(one).key not in failed
        ]

    def facts(self, by_label: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the protocol says about the study: settings, and what became of what was made."""
        planned = self.planned
        made = {
            "pattern": asdict(planned.universal()),
            "views": asdict(planned.clusters()),
            "encoder": asdict(planned.contrastive()),
        }
        examples = [one.name for one in planned.examples]
        return {
            "alpha": planned.alpha,
            "beta": planned.beta,
            "sibling": planned.sibling,
            "settings": made,
            "examples": {name: by_label[f"c-examples {name}"] for name in examples if f"c-examples {name}" in by_label},
            "made": {label: value for label, value in by_label.items() if not label.startswith("c-examples ")},
        }

    def _taught(self, row: PlannedRow) -> tuple[int, ...]:
        return self.plan.seeds_of(row)[: row.learnt]


def _views(victim: Victim) -> str:
    return f"pattern and views of {victim.origin.target}"


def _encoder(victim: Victim) -> str:
    return f"encoder of {victim.origin.target}"


def _whose(one: Examination) -> str:
    return f" of {one.maker.target}" if one.maker else ""


def _suspect(one: Examination) -> Job:
    return suspect_job("suspect", one.made_from, one.row.kind, format_settings(one.row.settings), one.seed)


def _learners(victim: Victim) -> list[Job]:
    return [
        suspect_job("suspect", victim.origin, row.kind, format_settings(row.settings), seed)
        for row, seed in victim.learners
    ]
