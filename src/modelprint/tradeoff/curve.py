"""The curves of a trade-off: points of covertness, and the rates at which their samples see suspects."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from modelprint.fingerprint.integrity import Fingerprint

NEAREST = "none"
"""Name of the point that is not covert: as near to the tie as the margin allows."""

SEEN = "sights"
"""What a record calls `Point.seen`."""


def covert_names(text: str) -> tuple[str, ...]:
    """Return "none,1,2.5" as settings of covertness: ("none", "p1", "p2.5").

    Raises:
        ValueError: A part is neither `none` nor a percentile above 0 and below 50, or comes twice.
    """
    names = tuple(_covert_name(part.strip()) for part in text.split(",") if part.strip())
    if not names or len(set(names)) < len(names):
        raise ValueError(f"percentiles are different ones and at least one, such as none,1,10, got {text!r}")
    return names


def _covert_name(text: str) -> str:
    if text == NEAREST:
        return text
    try:
        value = float(text.removeprefix("p"))
    except ValueError:
        value = math.nan
    if not 0 < value < 50:
        raise ValueError(f"a percentile is above 0 and below 50, or none for no covertness, got {text!r}")
    return f"p{value:g}"


@dataclass(frozen=True, kw_only=True)
class SeenRate:
    """How many samples of one point see one suspect.

    Attributes:
        kind: Of tampering.
        mismatches: Samples that get another label.
        rate: Their share: the detection rate at N = 1.
        low: Lower end of its exact 95 % interval.
        high: Upper end.
        logit_rms: Root mean square change of the logits on the samples, the mean change of each sample aside.
        largest: Largest change of a difference of two logits on any sample.
        bound: Highest top-1 probability at which, with that change, a label can differ.
        possible: Share of the samples whose top-1 probability is within the bound of the change that they see
            themselves; the rate cannot be higher.
    """

    kind: str
    mismatches: int
    rate: float
    low: float
    high: float
    logit_rms: float
    largest: float
    bound: float
    possible: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """One choice of covertness, and what its samples see.

    Attributes:
        name: pQ, or none.
        samples: How many were sealed; fewer than asked for where too few were inside the band.
        confidence: Median top-1 probability of the samples, 0 to 1.
        natural: Percentile of natural confidences that it corresponds to: median over the samples of the share of
            natural test images with the same label that are less sure, times 100.
        seen: One for each suspect; empty where there are no samples.
        problem: Why there are no samples; empty when there are some.
    """

    name: str
    samples: int = 0
    confidence: float = 0.0
    natural: float = 0.0
    seen: tuple[SeenRate, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tradeoff:
    """The curves of all suspects, and what they were measured with.

    Attributes:
        network: Name of the classifier.
        model_sha256: Digest of its weights.
        data: Name of the data set.
        settings: Of Junction, except how covert it is.
        profile: Name of the serving profile the samples were sealed for.
        count: Samples asked for at each point.
        seed: Of samples and suspects.
        suspects: For each kind of tampering the record of its suspect.
        points: In the order asked for.
        fingerprints: The sealed samples by the name of their point.
    """

    network: str
    model_sha256: str
    data: str
    settings: dict[str, Any]
    profile: str
    count: int
    seed: int
    suspects: dict[str, dict[str, object]]
    points: tuple[Point, ...]
    fingerprints: dict[str, Fingerprint] = field(default_factory=dict)

    def seen(self, kind: str) -> list[tuple[Point, SeenRate]]:
        """Return the points that have samples, each with its rate on the suspect of one kind."""
        return [(point, one) for point in self.points for one in point.seen if one.kind == kind]

    def bound(self, kind: str) -> float:
        """Return the highest bound of one suspect over all points: no sample above it gets another label."""
        return max(one.bound for _, one in self.seen(kind))

    def to_record(self) -> dict[str, Any]:
        """Return everything but the samples as plain data that JSON can hold."""
        facts = {key: value for key, value in vars(self).items() if key not in ("points", "fingerprints")}
        points = [asdict(point) for point in self.points]
        for point in points:
            point[SEEN] = point.pop("seen")
        digests = {name: fingerprint.digest for name, fingerprint in self.fingerprints.items()}
        return {**facts, "points": points, "fingerprints": digests}
