"""Plans: which suspects are made of which target, and what each study asks of them.

    plan = at_scale(read_plan(Path("plans/smoke.toml")), "laptop")

A plan describes the whole experiment; a table `scales.NAME` of its file says what is smaller when there is less time.
What belongs to one study alone is that study's part of the plan, of which this module knows only the interface;
`plan_file` reads the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Protocol, TypeVar, runtime_checkable

from pydantic import AliasChoices, ConfigDict, Field
from pydantic.dataclasses import dataclass

from modelprint.bench.targets import TARGETS, Target
from modelprint.settings import build
from modelprint.tamperings import SUITE, Tampering

SCALES = ("smoke", "laptop", "paper")
"""`paper` is the plan as it stands; the others are what its tables `scales.NAME` make of it."""

STRICT = ConfigDict(extra="forbid", strict=True, populate_by_name=True, arbitrary_types_allowed=True)
"""Unknown keys are refused, and values of another type are not converted."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=80)]
Seed = Annotated[int, Field(ge=0, lt=2**53)]
ModelCount = Annotated[int, Field(ge=1, le=1000)]
TRAINING_KEYS = ("training", "learnt")
"""Names that the key of the training models has had in plans."""

Settings = dict[str, Any]
"""Names of settings and their values as TOML has them."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlannedRow:
    """Suspects of one kind.

    Attributes:
        row: Row of the published table they belong to.
        kind: A name in SUITE.
        settings: Settings of the tampering that differ from those of its name.
        models: How many; the plan's number when not given. A deterministic kind has one.
        reference: Kind whose labels the suspects' labels are compared with; empty for the target's labels.
        control: Nothing is changed: every mismatch is a false alarm.
        training: Encoders of ownership are trained on the first so many; the others are judged.
    """

    row: Annotated[str, Field(min_length=1, max_length=80)]
    kind: str
    settings: Settings = Field(default_factory=dict)
    models: ModelCount | None = None
    reference: str = ""
    control: bool = False
    training: Annotated[int, Field(ge=0, le=1000, validation_alias=AliasChoices(*TRAINING_KEYS))] = 0

    def build(self) -> Tampering:
        """Return the tampering with its settings; ValueError names a wrong one."""
        return build(SUITE, self.kind, self.settings)

    @property
    def description(self) -> str:
        """Kind, settings and reference: what distinguishes the row from others."""
        settings = f" with {self.settings}" if self.settings else ""
        return f"{self.kind}{settings}{f' against {self.reference}' if self.reference else ''}"


@runtime_checkable
class PlanPart(Protocol):
    """What a plan says about one study: a dataclass whose fields are keys of the plan's file."""

    def check(self, plan: "Plan") -> None:
        """Raise ValueError, naming the key, where this part does not fit the plan or names what does not exist."""


@runtime_checkable
class ScalePart(Protocol):
    """What a scale says about one study: a dataclass whose fields are keys of a table `scales.NAME`."""

    def apply(self, part: PlanPart, place: str) -> PlanPart:
        """Return the part at this scale; ValueError, naming a key below `place`, where it names what is not there."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlanScale:
    """What a scale makes of a plan, in this order.

    Attributes:
        only: Keep these kinds alone.
        without: Leave these kinds out.
        replace: Take another kind in place of one, e.g. one with a shorter schedule in its name.
        models: In place of the plan's number, and the most that a row may have.
        kinds: Settings by kind, beside those of the row.
        parts: By name of a study: what else changes.
    """

    only: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    replace: dict[str, str] = Field(default_factory=dict)
    models: ModelCount | None = None
    kinds: dict[str, Settings] = Field(default_factory=dict)
    parts: Mapping[str, ScalePart] = Field(default_factory=dict)

    def keeps(self, row: PlannedRow) -> bool:
        """Return whether a row is still there at this scale."""
        return (self.only is None or row.kind in self.only) and row.kind not in self.without

    def change(self, row: PlannedRow) -> PlannedRow:
        """Return a row at this scale."""
        kind = self.replace.get(row.kind, row.kind)
        # Settings belong to the kind they were written for.
        settings = row.settings if kind == row.kind else {}
        models = min(row.models, self.models) if row.models and self.models else row.models
        return replace(row, kind=kind, models=models, settings=settings | self.kinds.get(kind, {}))


PartType = TypeVar("PartType", bound=PlanPart)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Plan:
    """A whole experiment.

    Attributes:
        name: What folders and tables call it.
        title: What it is, for people.
        target: A name in TARGETS.
        suspects: Row by row, in the order of the tables.
        seed: Of everything but the suspects, which have the seeds 1, 2, ...
        models: Suspects per row.
        parts: By name of a study: what the plan says about it.
        scales: What is smaller where there is less time.
    """

    name: Name
    title: str
    target: str
    suspects: tuple[PlannedRow, ...]
    seed: Seed = 7
    models: ModelCount = 10
    parts: Mapping[str, PlanPart] = Field(default_factory=dict)
    scales: Mapping[str, PlanScale] = Field(default_factory=dict)

    def the_target(self) -> Target:
        """Return the target."""
        return TARGETS[self.target]

    def seeds_of(self, row: PlannedRow) -> tuple[int, ...]:
        """Return the seeds of a row's suspects: one, 0, where every seed gives the same."""
        return (0,) if row.build().deterministic else tuple(range(1, (row.models or self.models) + 1))

    def part(self, kind: type[PartType]) -> PartType:
        """Return what the plan says about the study whose parts are of this class; ValueError when it says nothing."""
        found = next((part for part in self.parts.values() if isinstance(part, kind)), None)
        if found is None:
            raise ValueError(f"plan {self.name} has no part of the kind {kind.__name__}")
        return found


def at_scale(plan: Plan, scale: str, most_models: int | None = None) -> Plan:
    """Return what the plan is at a scale: a plan of its own, without scales.

    Args:
        plan: As it was read.
        scale: One of SCALES.
        most_models: No row has more suspects than this.

    Raises:
        ValueError: There is no such scale, or it names kinds or fingerprints that the plan does not have.
    """
    if scale not in SCALES:
        raise ValueError(f"there is no scale {scale!r}; choose one of {', '.join(SCALES)}")
    chosen, place = plan.scales.get(scale, PlanScale()), f"scales.{scale}"
    if most_models is not None:
        chosen = replace(chosen, models=min(most_models, chosen.models or plan.models))
    _check_kinds(plan, chosen, place)
    parts = {
        name: chosen.parts[name].apply(part, place) if name in chosen.parts else part
        for name, part in plan.parts.items()
    }
    return replace(
        plan,
        suspects=tuple(chosen.change(row) for row in plan.suspects if chosen.keeps(row)),
        models=chosen.models or plan.models,
        parts=parts,
        scales={},
    )


def _check_kinds(plan: Plan, scale: PlanScale, place: str) -> None:
    """Refuse a scale that names kinds which the plan does not have."""
    kinds = {row.kind for row in plan.suspects}
    check_in_plan(f"{place}.only", scale.only or (), kinds)
    check_in_plan(f"{place}.without", scale.without, kinds)
    check_in_plan(f"{place}.replace", scale.replace, kinds)
    check_in_plan(f"{place}.kinds", scale.kinds, kinds - set(scale.replace) | set(scale.replace.values()))


def check(plan: Plan) -> None:
    """Raise ValueError, naming the key, where a plan names what does not exist, or the same thing twice."""
    check_known("target", plan.target, TARGETS)
    for index, row in enumerate(plan.suspects):
        _check_row(row, f"suspects[{index}]")
    for part in plan.parts.values():
        part.check(plan)
    check_different("suspects", [row.description for row in plan.suspects])
    check_any_left("suspects", plan.suspects)


def _check_row(row: PlannedRow, place: str) -> None:
    check_known(f"{place}.kind", row.kind, SUITE)
    with KeyNamed(f"{place}.settings"):
        row.build()
    if row.reference:
        check_known(f"{place}.reference", row.reference, SUITE)
        if not build(SUITE, row.reference).deterministic:
            raise ValueError(f"{place}.reference: {row.reference} differs from seed to seed; name a fixed kind")


class KeyNamed:
    """Puts the name of a key before the message of a ValueError raised inside."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        if isinstance(problem, ValueError):
            raise ValueError(f"{self.key}: {problem}") from None


def check_known(key: str, name: str, table: Mapping[str, object]) -> None:
    """Raise ValueError when `name` is not in `table`."""
    if name not in table:
        raise ValueError(f"{key}: there is no {name!r}; choose one of {', '.join(table)}")


def check_in_plan(key: str, names: Sequence[str] | Mapping[str, object], planned: set[str]) -> None:
    """Raise ValueError when the plan has not all of `names`."""
    for name in names:
        if name not in planned:
            raise ValueError(f"{key}: the plan has no {name!r}; it has {', '.join(sorted(planned))}")


def check_different(key: str, names: Sequence[str]) -> None:
    """Raise ValueError when a name comes twice."""
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise ValueError(f"{key}: {doubled} stands there twice")


def check_any_left(key: str, planned: Sequence[object]) -> None:
    """Raise ValueError when a list of a plan is empty."""
    if not planned:
        raise ValueError(f"{key}: none is left")
