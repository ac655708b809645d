"""Plans: one TOML file says which suspects are made of which target and which fingerprints are held against them.

    plan = at_scale(read_plan(Path("plans/smoke.toml")), "laptop")

The file describes the whole experiment; a table `scales.NAME` says what is smaller when there is less time. Every key
is checked before any work: a mistake is one line that names it.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from modelprint.bench.outputs import OUTPUTS
from modelprint.bench.ownership.plan import PlannedOwnership, check_ownership
from modelprint.bench.targets import TARGETS, Target
from modelprint.calibration import find_profile
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.generation.rounding import Rounding, adapt_settings
from modelprint.generators import GENERATORS, GeneratorRecipe
from modelprint.methods import METHODS, Method
from modelprint.methods.method import UsesGenerator
from modelprint.settings import build, format_settings, parse_assignments
from modelprint.tamperings import SUITE, Tampering
from modelprint.tamperings.zoo import parse_recipe

SCALES = ("smoke", "laptop", "paper")
"""`paper` is the plan as it stands; the others are what its tables `scales.NAME` make of it."""

SIZE_LIMIT = 2**20
"""Bytes; a longer file is no plan."""

_STRICT = ConfigDict(extra="forbid", strict=True)
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=80)]
_Seed = Annotated[int, Field(ge=0, lt=2**53)]
_Models = Annotated[int, Field(ge=1, le=1000)]
_Count = Annotated[int, Field(ge=1, le=SAMPLE_LIMIT)]
_Settings = dict[str, Any]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PlannedFingerprint:
    """A fingerprint that every suspect is asked about.

    Attributes:
        name: What tables call it.
        method: A name in METHODS.
        settings: Settings of the method that differ from its defaults.
        count: Samples.
        profile: Serving profile that an 8-bit fingerprint has to survive.
        multiple: Smallest margin of its samples, in noise floors of the profile.
        rounding: "nearest", or "search": grey levels that keep the logits of what the method makes in floats.
        form: "8-bit": rounded, steady, sealed. "float": as the method made it, to compare with papers.
        seed: Of every random number; the plan's when not given.
    """

    name: _Name
    method: str
    settings: _Settings = Field(default_factory=dict)
    count: _Count = 100
    profile: str = "fp32"
    multiple: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 3.0
    rounding: Rounding = "nearest"
    form: Literal["8-bit", "float"] = "8-bit"
    seed: _Seed | None = None

    @property
    def survives(self) -> str:
        """The profile, with the multiple and the rounding where these are not the usual ones; nothing for floats."""
        if self.form == "float":
            return ""
        times = "" if self.multiple == PlannedFingerprint.multiple else f" x {self.multiple:g}"
        rounded = "" if self.rounding == PlannedFingerprint.rounding else f", rounded by {self.rounding}"
        return f"{self.profile}{times}{rounded}"

    def build(self) -> Method:
        """Return the method with its settings; ValueError names a wrong one."""
        return build(METHODS, self.method, adapt_settings(self.rounding, self.method, format_settings(self.settings)))

    def generator(self) -> "PlannedGenerator | None":
        """Return the generator that the method walks or searches through; None when it has none."""
        method = self.build()
        choice = method.choose_generator() if isinstance(method, UsesGenerator) else None
        return None if choice is None else PlannedGenerator(**vars(choice))


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PlannedGenerator:
    """A generator of images that fingerprints are made with; several may share it.

    Attributes:
        name: In GENERATORS.
        settings: Those that differ from the usual ones, each as NAME=VALUE.
        seed: Of its training.
    """

    name: str
    settings: tuple[str, ...] = ()
    seed: _Seed = 0

    def build(self) -> GeneratorRecipe:
        """Return its recipe; ValueError names a wrong setting."""
        return build(GENERATORS, self.name, parse_assignments(self.settings))


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PlannedRow:
    """Suspects of one kind.

    Attributes:
        row: Row of the published table they belong to.
        kind: A name in SUITE.
        settings: Settings of the tampering that differ from those of its name.
        models: How many; the plan's number when not given. A deterministic kind has one.
        reference: Kind whose labels the suspects' are held against; empty for those of the target.
        control: Nothing is changed: every mismatch is a false alarm.
        learnt: The first so many are what encoders of ownership learn from; the others are judged.
    """

    row: Annotated[str, Field(min_length=1, max_length=80)]
    kind: str
    settings: _Settings = Field(default_factory=dict)
    models: _Models | None = None
    reference: str = ""
    control: bool = False
    learnt: Annotated[int, Field(ge=0, le=1000)] = 0

    def build(self) -> Tampering:
        """Return the tampering with its settings; ValueError names a wrong one."""
        return build(SUITE, self.kind, format_settings(self.settings))


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Bags:
    """Small pools drawn from a large one; in each the samples are ordered by the units they activate.

    Attributes:
        size: Samples in a bag, drawn without replacement.
        draws: How many bags; all suspects are asked from the same ones.
    """

    size: _Count = 100
    draws: Annotated[int, Field(ge=1, le=10_000)] = 100


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Scale:
    """What a scale makes of a plan, in this order.

    Attributes:
        only: Keep these kinds alone.
        without: Leave these kinds out.
        replace: Take another kind in place of one, e.g. one with a shorter schedule in its name.
        fingerprints: Keep the fingerprints of these names alone.
        models: In place of the plan's number, and the most that a row may have.
        count: The most samples that a fingerprint may have.
        kinds: Settings by kind, beside those of the row.
        methods: Settings by name of a fingerprint, beside its own.
        zoo: In place of the plan's.
        bags: In place of the plan's.
        ownership: In place of the plan's.
    """

    only: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    replace: dict[str, str] = Field(default_factory=dict)
    fingerprints: tuple[str, ...] | None = None
    models: _Models | None = None
    count: _Count | None = None
    kinds: dict[str, _Settings] = Field(default_factory=dict)
    methods: dict[str, _Settings] = Field(default_factory=dict)
    zoo: tuple[str, ...] | None = None
    bags: Bags | None = None
    ownership: PlannedOwnership | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Plan:
    """A whole experiment.

    Attributes:
        name: What folders and tables call it.
        title: What it is, for people.
        target: A name in TARGETS.
        fingerprints: In the order of the tables.
        suspects: Row by row, in the order of the tables.
        seed: Of the fingerprints. Suspects have the seeds 1, 2, ...
        models: Suspects per row.
        zoo: Entries KIND*COUNT: tampered copies, with seeds from 1000, from which the greedy selection learns which
            samples to ask first. Without it there is no such selection.
        outputs: Forms of answers, names in OUTPUTS, that have tables of their own; those of the label are always made.
        ns: Numbers of samples asked that the tables show; the usual ones when empty.
        bags: For the selection that the SSF paper uses; None for none.
        ownership: How copies are told from models that are none; None where that is not asked.
        scales: What is smaller where there is less time.
    """

    name: _Name
    title: str
    target: str
    fingerprints: tuple[PlannedFingerprint, ...]
    suspects: tuple[PlannedRow, ...]
    seed: _Seed = 7
    models: _Models = 10
    zoo: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ns: tuple[_Count, ...] = ()
    bags: Bags | None = None
    ownership: PlannedOwnership | None = None
    scales: dict[Literal["smoke", "laptop", "paper"], Scale] = Field(default_factory=dict)

    def the_target(self) -> Target:
        """Return the target."""
        return TARGETS[self.target]

    def seed_of(self, fingerprint: PlannedFingerprint) -> int:
        """Return the seed of a fingerprint."""
        return self.seed if fingerprint.seed is None else fingerprint.seed

    def seeds_of(self, row: PlannedRow) -> tuple[int, ...]:
        """Return the seeds of a row's suspects: one, 0, where every seed gives the same."""
        return (0,) if row.build().deterministic else tuple(range(1, (row.models or self.models) + 1))


_READER = TypeAdapter(Plan)


def read_plan(path: Path) -> Plan:
    """Read and check a plan, at all of its scales.

    Raises:
        ValueError: The file cannot be used; one line names the key and says why.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise ValueError(f"longer than {SIZE_LIMIT} bytes, which is no plan")
        plan = parse_plan(content.decode("utf-8"))
    except OSError as problem:
        raise ValueError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a UTF-8 text") from None
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
    return plan


def parse_plan(text: str) -> Plan:
    """Return the plan in `text`, checked at all of its scales; ValueError as in `read_plan`, without the path."""
    try:
        document = tomllib.loads(text)
        # By way of JSON, whose strict reading knows that an array may become a tuple.
        plan = _READER.validate_json(json.dumps(document, default=str))
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"not readable as TOML: {problem}") from None
    except ValidationError as problem:
        raise ValueError(_one_line(problem)) from None
    check(plan)
    for scale in plan.scales:
        try:
            check(at_scale(plan, scale))
        except ValueError as problem:
            raise ValueError(f"at scale {scale}: {problem}") from None
    return plan


def at_scale(plan: Plan, scale: str, most_models: int | None = None) -> Plan:
    """Return what the plan is at a scale: a plan of its own, without scales.

    Args:
        plan: As it was read.
        scale: One of SCALES.
        most_models: No row has more suspects than this.

    Raises:
        ValueError: There is no such scale, or it speaks of kinds or fingerprints that the plan does not have.
    """
    if scale not in SCALES:
        raise ValueError(f"there is no scale {scale!r}; choose one of {', '.join(SCALES)}")
    chosen = plan.scales.get(scale, Scale())  # type: ignore[call-overload]
    if most_models is not None:
        chosen = replace(chosen, models=min(most_models, chosen.models or plan.models))
    kinds = {row.kind for row in plan.suspects}
    after = kinds - set(chosen.replace) | set(chosen.replace.values())
    names = {fingerprint.name for fingerprint in plan.fingerprints}
    for key, given, known in (
        ("only", chosen.only or (), kinds),
        ("without", chosen.without, kinds),
        ("replace", chosen.replace, kinds),
        ("kinds", chosen.kinds, after),
        ("fingerprints", chosen.fingerprints or (), names),
        ("methods", chosen.methods, names),
    ):
        _all_known(f"scales.{scale}.{key}", given, known)
    return replace(
        plan,
        suspects=tuple(
            _scaled_row(row, chosen)
            for row in plan.suspects
            if (chosen.only is None or row.kind in chosen.only) and row.kind not in chosen.without
        ),
        fingerprints=tuple(
            _scaled_fingerprint(fingerprint, chosen)
            for fingerprint in plan.fingerprints
            if chosen.fingerprints is None or fingerprint.name in chosen.fingerprints
        ),
        models=chosen.models or plan.models,
        zoo=plan.zoo if chosen.zoo is None else chosen.zoo,
        bags=plan.bags if chosen.bags is None else chosen.bags,
        ownership=plan.ownership if chosen.ownership is None else chosen.ownership,
        scales={},
    )


def _scaled_row(row: PlannedRow, scale: Scale) -> PlannedRow:
    kind = scale.replace.get(row.kind, row.kind)
    # Settings belong to the kind they were written for.
    settings = row.settings if kind == row.kind else {}
    models = min(row.models, scale.models) if row.models and scale.models else row.models
    return replace(row, kind=kind, models=models, settings=settings | scale.kinds.get(kind, {}))


def _scaled_fingerprint(fingerprint: PlannedFingerprint, scale: Scale) -> PlannedFingerprint:
    settings = fingerprint.settings | scale.methods.get(fingerprint.name, {})
    return replace(fingerprint, count=min(fingerprint.count, scale.count or fingerprint.count), settings=settings)


def check(plan: Plan) -> None:
    """Raise ValueError, naming the key, where a plan speaks of something that does not exist or says it twice."""
    _known("target", plan.target, TARGETS)
    if plan.zoo:
        with _Naming("zoo"):
            parse_recipe(plan.zoo)
    for index, output in enumerate(plan.outputs):
        _known(f"outputs[{index}]", output, OUTPUTS)
    for index, fingerprint in enumerate(plan.fingerprints):
        place = f"fingerprints[{index}]"
        _known(f"{place}.method", fingerprint.method, METHODS)
        with _Naming(f"{place}.profile"):
            find_profile(fingerprint.profile)
        with _Naming(f"{place}.settings"):
            fingerprint.build()
        if fingerprint.form == "float" and fingerprint.rounding != "nearest":
            raise ValueError(f"{place}.rounding: samples in floats are not rounded, got {fingerprint.rounding}")
    for index, row in enumerate(plan.suspects):
        place = f"suspects[{index}]"
        _known(f"{place}.kind", row.kind, SUITE)
        with _Naming(f"{place}.settings"):
            row.build()
        if row.reference:
            _known(f"{place}.reference", row.reference, SUITE)
            if not build(SUITE, row.reference).deterministic:
                raise ValueError(f"{place}.reference: {row.reference} differs from seed to seed; name a fixed kind")
    _check_ownership(plan)
    _once("fingerprints", [fingerprint.name for fingerprint in plan.fingerprints])
    _once("fingerprints", [_content(plan, fingerprint) for fingerprint in plan.fingerprints])
    _once("suspects", [_described(row) for row in plan.suspects])
    _once("outputs", plan.outputs)
    _once("ns", list(map(str, plan.ns)))
    for part in ("fingerprints", "suspects"):
        if not getattr(plan, part):
            raise ValueError(f"{part}: none is left")


def _check_ownership(plan: Plan) -> None:
    """Check the part about ownership against the suspects; rows that teach need an encoder to be taught."""
    if plan.ownership is None:
        taught = next((index for index, row in enumerate(plan.suspects) if row.learnt), None)
        if taught is not None:
            raise ValueError(f"suspects[{taught}].learnt: nothing learns from them, the plan has no ownership")
        return
    if plan.ownership.sibling:
        _known("ownership.sibling", plan.ownership.sibling, TARGETS)
    check_ownership(plan.ownership, [(row.kind, len(plan.seeds_of(row)), row.learnt) for row in plan.suspects])


class _Naming:
    """Puts the name of a key before the message of a ValueError raised inside."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        if isinstance(problem, ValueError):
            raise ValueError(f"{self.key}: {problem}") from None


def _content(plan: Plan, fingerprint: PlannedFingerprint) -> str:
    """Return what a fingerprint is, whatever its name."""
    form = fingerprint.survives or fingerprint.form
    return f"{fingerprint.build()}, {fingerprint.count} samples of seed {plan.seed_of(fingerprint)} as {form}"


def _described(row: PlannedRow) -> str:
    settings = f" with {format_settings(row.settings)}" if row.settings else ""
    return f"{row.kind}{settings}{f' against {row.reference}' if row.reference else ''}"


def _known(key: str, name: str, table: Mapping[str, object]) -> None:
    if name not in table:
        raise ValueError(f"{key}: there is no {name!r}; choose one of {', '.join(table)}")


def _all_known(key: str, names: Sequence[str] | Mapping[str, object], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{key}: the plan has no {name!r}; it has {', '.join(sorted(known))}")


def _once(key: str, names: Sequence[str]) -> None:
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise ValueError(f"{key}: {doubled} stands there twice")


def _one_line(problem: ValidationError) -> str:
    """Say where the first of the mistakes is and what it is."""
    mistakes = problem.errors(include_url=False, include_context=False)
    first = mistakes[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    said = first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "unexpected_keyword_argument":
        said = "there is no such key"
    elif first["type"] == "missing":
        said = "it is needed and missing"
    elif not isinstance(first["input"], dict | list):
        said = f"{said}, got {first['input']!r}"
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return f"{place}: {said}{more}"
