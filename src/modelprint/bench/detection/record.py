"""The part of the record of a run that is about detection."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import AliasChoices, Field, TypeAdapter

from modelprint.bench.detection.plan import SUBSETS_KEYS, RandomSubsets
from modelprint.bench.record import JsonObject, validate

Order = Annotated[str, Field(pattern=r"^\d+( \d+)*$")]
"""Indices of samples in the order of asking, with spaces between."""


@dataclass(frozen=True, kw_only=True)
class FingerprintRecord:
    """How a fingerprint was made, and what became of the samples that were crafted.

    Attributes:
        method: Name of the method.
        settings: All of its settings.
        seed: Of every random number.
        form: "8-bit" or "float".
        profile: Serving profile that it has to survive; empty for samples in floats.
        samples: How many samples it has.
        crafted: How many the method was asked for.
        given_up: For how many sources the method had no sample.
        lost_rounding: Samples whose label changed with rounding.
        lost_steadiness: Samples whose label honest serving may change.
        kept: Samples kept.
        floor: Noise floor of the profile, in logits.
        median_confidence: Median top-1 probability of the samples, 0 to 1.
        median_l2: Median L2 distance to the sources, for images in [0, 1].
        notes: What the method says.
        seconds: Processor seconds that it took.
        file: Where the sealed file is, relative to the folder of the run; empty for samples in floats.
        random_subsets: Which samples of each random subset are asked first: numbers between spaces.
        more: Other facts of the generation report.
    """

    method: str = ""
    settings: JsonObject = field(default_factory=dict)
    seed: int = 0
    form: str = ""
    profile: str = ""
    samples: int | None = None
    crafted: int | None = None
    given_up: int | None = None
    lost_rounding: int | None = None
    lost_steadiness: int | None = None
    kept: int | None = None
    floor: float | None = None
    median_confidence: float | None = None
    median_l2: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    file: str = ""
    random_subsets: Annotated[tuple[Order, ...], Field(validation_alias=AliasChoices(*SUBSETS_KEYS))] = ()
    more: JsonObject = field(default_factory=dict)


def record_fingerprint(
    facts: JsonObject, *, seconds: float | None, file: str, random_subsets: tuple[str, ...]
) -> FingerprintRecord:
    """Return the record of a fingerprint; facts that have no field of their own go into `more`."""
    names = set(FingerprintRecord.__dataclass_fields__)
    known = {name: value for name, value in facts.items() if name in names}
    more = {name: value for name, value in facts.items() if name not in names}
    return FingerprintRecord(**known, more=more, seconds=seconds, file=file, random_subsets=random_subsets)


@dataclass(frozen=True, kw_only=True)
class DetectionRecord:
    """What a run says about detection.

    Attributes:
        outputs: Forms of answers that the plan wants to see beside the label.
        ns: Numbers of samples that the plan wants to see; none when it says nothing.
        random_subsets: How random subsets are drawn; None where the plan asks for none.
        fingerprints: By name, in the order of the plan.
    """

    outputs: tuple[str, ...] = ()
    ns: tuple[Annotated[int, Field(ge=1)], ...] = ()
    random_subsets: Annotated[RandomSubsets | None, Field(validation_alias=AliasChoices(*SUBSETS_KEYS))] = None
    fingerprints: dict[str, FingerprintRecord] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return it as plain data."""
        return asdict(self)


_RECORD = TypeAdapter(DetectionRecord)


def read_detection_record(content: JsonObject) -> DetectionRecord:
    """Return the record in plain data; ValueError names the first entry that is wrong."""
    return validate(_RECORD.validate_json, content)
