"""Local suspects, asked about every sample of a fingerprint."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modelprint.classifier import Classifier
from modelprint.detection.rates import bootstrap_interval, detection_rate
from modelprint.errors import ModelprintError, OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.loading import load_like
from modelprint.tensors import to_images

QUERIES = (1, 5, 10)
"""Numbers of queries the literature reports."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """What a fingerprint sees of one suspect.

    Attributes:
        name: What the caller calls the suspect.
        record: The facts that the tamperer kept in its file: kind, how far it moved.
        mismatched: For each sample, whether the suspect gives it another label; empty where there is a problem.
        rates: Exact detection rate by number of queries; numbers above that of the samples are left out.
        problem: Why the suspect could not be asked; empty when it could.
    """

    name: str
    record: dict[str, object] = field(default_factory=dict)
    mismatched: tuple[bool, ...] = ()
    rates: dict[int, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def mismatches(self) -> int:
        """How many samples get another label."""
        return sum(self.mismatched)

    @property
    def samples(self) -> int:
        """How many samples were asked."""
        return len(self.mismatched)

    @property
    def kind(self) -> str:
        """The kind of tampering in the record; the name of the suspect where it says none."""
        return str(self.record.get("kind", self.name))

    def to_record(self) -> dict[str, Any]:
        """Return everything as plain data that JSON can hold."""
        return {
            "name": self.name,
            "kind": self.kind,
            "samples": self.samples,
            "mismatches": self.mismatches,
            "rates": {str(queries): rate for queries, rate in self.rates.items()},
            "record": self.record,
            "problem": self.problem or None,
        }


def detect(
    model: Classifier,
    fingerprint: Fingerprint,
    suspects: Iterable[tuple[str, Path]],
    queries: Sequence[int] = QUERIES,
) -> tuple[Detection, ...]:
    """Ask each suspect about every sample, one picture at a time in float32, and compute its detection rates.

    Args:
        model: A classifier of the architecture of the suspects; its weights do not matter.
        fingerprint: The samples and their labels.
        suspects: Names and weights files. One that cannot be loaded is reported with its problem; the rest goes on.
        queries: Numbers of queries to compute rates for.
    """
    if model.image_shape != fingerprint.preprocessing.image_shape:
        raise ValueError(
            f"{model.name} takes images of shape {model.image_shape}, but the samples have shape "
            f"{fingerprint.preprocessing.image_shape}"
        )
    return tuple(_detect_one(model, fingerprint, name, path, queries) for name, path in suspects)


def _detect_one(
    model: Classifier, fingerprint: Fingerprint, name: str, path: Path, queries: Sequence[int]
) -> Detection:
    try:
        suspect, record = load_like(model, path)
        mismatched = mismatches(suspect, fingerprint)
    except (ModelprintError, OSError) as problem:
        return Detection(name=name, problem=str(problem))
    count, samples = sum(mismatched), len(mismatched)
    rates = {asked: detection_rate(count, samples, asked) for asked in queries if asked <= samples}
    return Detection(name=name, record=record, mismatched=mismatched, rates=rates)


def mismatches(suspect: Classifier, fingerprint: Fingerprint) -> tuple[bool, ...]:
    """Return, for each sample, whether `suspect` gives it another label than the fingerprint expects.

    Raises:
        OracleError: Some logits are not finite, so there is no label to compare.
    """
    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    expected = torch.tensor([sample.label for sample in fingerprint.samples])
    logits = suspect.logits(to_images(pixels), batch=1)
    broken = int((~logits.isfinite()).any(1).sum())
    if broken:
        raise OracleError(f"it gives logits that are not finite to {broken} of {len(logits)} samples")
    return tuple((logits.argmax(1) != expected).tolist())


@dataclass(frozen=True, kw_only=True)
class MeanRate:
    """Detection of all suspects of one kind.

    Attributes:
        kind: Of tampering.
        models: How many suspects went into it; those with a problem did not.
        rates: Mean of their exact detection rates by number of queries.
        low: Lower end of the 95 % interval of the rate at one query.
        high: Upper end.
    """

    kind: str
    models: int
    rates: dict[int, float]
    low: float
    high: float


def mean_rates(detections: Iterable[Detection], *, seed: int = 0) -> tuple[MeanRate, ...]:
    """Return the mean rates of each kind, in the order in which the kinds first appear.

    The interval is a bootstrap over models and samples, since suspects share the samples and samples the suspects: the
    tests are not independent, and a binomial interval would be too narrow.
    """
    kinds: dict[str, list[Detection]] = {}
    for detection in detections:
        if not detection.problem:
            kinds.setdefault(detection.kind, []).append(detection)
    return tuple(_mean_rate(kind, found, seed) for kind, found in kinds.items())


def _mean_rate(kind: str, found: list[Detection], seed: int) -> MeanRate:
    low, high = bootstrap_interval(np.array([detection.mismatched for detection in found]), seed=seed)
    shared = [asked for asked in found[0].rates if all(asked in detection.rates for detection in found)]
    rates = {asked: sum(detection.rates[asked] for detection in found) / len(found) for asked in shared}
    return MeanRate(kind=kind, models=len(found), rates=rates, low=low, high=high)
