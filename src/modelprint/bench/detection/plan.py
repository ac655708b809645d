"""What a plan says about detection: the fingerprints that every suspect is asked about, and what tables show."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import AliasChoices, Field
from pydantic.dataclasses import dataclass

from modelprint.bench.detection.outputs import OUTPUTS
from modelprint.bench.plan import (
    STRICT,
    KeyNamed,
    Name,
    Plan,
    PlanPart,
    Seed,
    Settings,
    check_any_left,
    check_different,
    check_in_plan,
    check_known,
)
from modelprint.calibration import find_profile
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.generation.rounding import Rounding, adapt_settings
from modelprint.generators.choice import GeneratorChoice
from modelprint.methods import METHODS, Method
from modelprint.methods.method import UsesGenerator
from modelprint.settings import build
from modelprint.tamperings.zoo import parse_recipe

SampleCount = Annotated[int, Field(ge=1, le=SAMPLE_LIMIT)]

SUBSETS_KEYS = ("random_subsets", "bags")
"""Names that the key of the random subsets has had in plans."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
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

    name: Name
    method: str
    settings: Settings = Field(default_factory=dict)
    count: SampleCount = 100
    profile: str = "fp32"
    multiple: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 3.0
    rounding: Rounding = "nearest"
    form: Literal["8-bit", "float"] = "8-bit"
    seed: Seed | None = None

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
        return build(METHODS, self.method, adapt_settings(self.rounding, self.method, self.settings))

    def generator(self) -> GeneratorChoice | None:
        """Return the generator that the method walks or searches through; None when it has none."""
        method = self.build()
        return method.choose_generator() if isinstance(method, UsesGenerator) else None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RandomSubsets:
    """Random subsets of a fingerprint; in each the samples are ordered by the units they activate.

    Attributes:
        size: Samples in a subset, drawn without replacement.
        draws: How many subsets; all suspects are asked from the same ones.
    """

    size: SampleCount = 100
    draws: Annotated[int, Field(ge=1, le=10_000)] = 100


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlannedDetection:
    """The part of a plan about detection.

    Attributes:
        fingerprints: In the order of the tables.
        zoo: Entries KIND*COUNT: tampered copies, with seeds from 1000, that the greedy selection uses to choose which
            samples to ask first. Without it there is no such selection.
        outputs: Forms of answers, names in OUTPUTS, that have tables of their own; those of the label are always made.
        ns: Numbers of samples asked that the tables show; the usual ones when empty.
        random_subsets: For the selection that the SSF paper uses; None for none.
    """

    fingerprints: tuple[PlannedFingerprint, ...]
    zoo: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ns: tuple[SampleCount, ...] = ()
    random_subsets: Annotated[RandomSubsets | None, Field(validation_alias=AliasChoices(*SUBSETS_KEYS))] = None

    ALIASES: ClassVar[dict[str, tuple[str, ...]]] = {"random_subsets": SUBSETS_KEYS}

    def check(self, plan: Plan) -> None:
        """Raise ValueError, naming the key, where this part names what does not exist, or the same thing twice."""
        if self.zoo:
            with KeyNamed("zoo"):
                parse_recipe(self.zoo)
        for index, output in enumerate(self.outputs):
            check_known(f"outputs[{index}]", output, OUTPUTS)
        for index, fingerprint in enumerate(self.fingerprints):
            _check_fingerprint(fingerprint, f"fingerprints[{index}]")
        check_different("fingerprints", [fingerprint.name for fingerprint in self.fingerprints])
        check_different("fingerprints", [_describe(plan, fingerprint) for fingerprint in self.fingerprints])
        check_different("outputs", self.outputs)
        check_different("ns", list(map(str, self.ns)))
        check_any_left("fingerprints", self.fingerprints)


def seed_of(plan: Plan, fingerprint: PlannedFingerprint) -> int:
    """Return the seed of a fingerprint."""
    return plan.seed if fingerprint.seed is None else fingerprint.seed


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DetectionScale:
    """What a scale makes of the part about detection.

    Attributes:
        fingerprints: Keep the fingerprints of these names alone.
        count: The most samples that a fingerprint may have.
        methods: Settings by name of a fingerprint, beside its own.
        zoo: In place of the plan's.
        random_subsets: In place of the plan's.
    """

    fingerprints: tuple[str, ...] | None = None
    count: SampleCount | None = None
    methods: dict[str, Settings] = Field(default_factory=dict)
    zoo: tuple[str, ...] | None = None
    random_subsets: Annotated[RandomSubsets | None, Field(validation_alias=AliasChoices(*SUBSETS_KEYS))] = None

    ALIASES: ClassVar[dict[str, tuple[str, ...]]] = PlannedDetection.ALIASES

    def apply(self, part: PlanPart, place: str) -> PlanPart:
        """Return the part at this scale; ValueError where it names a fingerprint that the plan does not have."""
        assert isinstance(part, PlannedDetection)
        names = {fingerprint.name for fingerprint in part.fingerprints}
        check_in_plan(f"{place}.fingerprints", self.fingerprints or (), names)
        check_in_plan(f"{place}.methods", self.methods, names)
        return replace(
            part,
            fingerprints=tuple(
                self._change(fingerprint)
                for fingerprint in part.fingerprints
                if self.fingerprints is None or fingerprint.name in self.fingerprints
            ),
            zoo=part.zoo if self.zoo is None else self.zoo,
            random_subsets=part.random_subsets if self.random_subsets is None else self.random_subsets,
        )

    def _change(self, fingerprint: PlannedFingerprint) -> PlannedFingerprint:
        settings = fingerprint.settings | self.methods.get(fingerprint.name, {})
        return replace(fingerprint, count=min(fingerprint.count, self.count or fingerprint.count), settings=settings)


def _check_fingerprint(fingerprint: PlannedFingerprint, place: str) -> None:
    check_known(f"{place}.method", fingerprint.method, METHODS)
    with KeyNamed(f"{place}.profile"):
        find_profile(fingerprint.profile)
    with KeyNamed(f"{place}.settings"):
        fingerprint.build()
    if fingerprint.form == "float" and fingerprint.rounding != "nearest":
        raise ValueError(f"{place}.rounding: samples in floats are not rounded, got {fingerprint.rounding}")


def _describe(plan: Plan, fingerprint: PlannedFingerprint) -> str:
    """Return what a fingerprint is, whatever its name."""
    form = fingerprint.survives or fingerprint.form
    return f"{fingerprint.build()}, {fingerprint.count} samples of seed {seed_of(plan, fingerprint)} as {form}"
