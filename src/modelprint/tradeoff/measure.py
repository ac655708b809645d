"""What covertness costs: detection against the top-1 probability of the samples, for suspects made on the spot.

A sample near a tie has a low top-1 probability, and whoever looks at scores can filter it. A sample that looks natural
sees less: `most_confident` says beyond which probability it cannot see a change at all. Only the method Junction can be
told how natural its samples are to look, so the curves are its curves.
"""

import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from modelprint.calibration import find_profile
from modelprint.classifier import Classifier
from modelprint.crafting.covertness import NATURAL
from modelprint.crafting.junction import Precisions
from modelprint.data import DataSet
from modelprint.errors import BenchError, CraftingError, OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.from_weights import generate
from modelprint.intervals import exact_interval
from modelprint.methods.junction import Junction
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect
from modelprint.tamperings.tampering import Suspect
from modelprint.tensors import Labels, Logits, to_images
from modelprint.work import Work

NEAREST = "none"
"""Name of the point that is not covert: as near to the tie as the margin allows."""

ASKED = "samples asked for"
"""Note in a fingerprint: it may hold fewer, and then there are no more to be had."""

PARTIAL = "partial"
"""Folder of unfinished work, inside the folder of the fingerprints."""


def most_confident(change: float) -> float:
    """Return sigmoid(change), the highest top-1 probability at which two classifiers can disagree about a label.

    Proof. Let f and g be their logits, a the label of the first and b another one, that of the second: g_a <= g_b, so
    f_a - f_b <= g_a - g_b + change <= change. The top-1 probability of the first, 1 / (1 + the sum of exp(f_j - f_a)
    over all j but a), is at most its value with j = b alone, sigmoid(f_a - f_b), so at most sigmoid(change).

    It is reached where one class leads another by `change` with all others far below, and the second classifier ties.
    Everything holds for the top-1 probability of the second too, since nothing tells the two apart.

    Args:
        change: The most that any difference of two logits differs between the classifiers, at least 0. What all logits
            have in common cancels in it; where every logit differs by at most d, it is at most 2 d.
    """
    if change < 0:
        raise ValueError(f"a largest change cannot be negative, got {change}")
    return 1 / (1 + math.exp(-change))


def largest_changes(before: Logits, after: Logits) -> Float64[Tensor, " n"]:
    """Return for each image how much the difference of two logits changes, for the two where that is most."""
    change = after.double() - before.double()
    return change.amax(1) - change.amin(1)


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
class Sight:
    """What the samples of one point see of one suspect.

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
        sights: One for each suspect; empty where there are no samples.
        problem: Why there are no samples; empty when there are some.
    """

    name: str
    samples: int = 0
    confidence: float = 0.0
    natural: float = 0.0
    sights: tuple[Sight, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tradeoff:
    """The curves of all suspects, and what they were measured with.

    Attributes:
        network: Name of the classifier.
        model_sha256: Digest of its weights.
        data: Name of the data set.
        settings: Of Junction, but for how covert it is.
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

    def sights(self, kind: str) -> list[tuple[Point, Sight]]:
        """Return the points that have samples, each with what it sees of the suspect of one kind."""
        return [(point, sight) for point in self.points for sight in point.sights if sight.kind == kind]

    def bound(self, kind: str) -> float:
        """Return the highest bound of one suspect over all points: no sample above it gets another label."""
        return max(sight.bound for _, sight in self.sights(kind))

    def to_record(self) -> dict[str, Any]:
        """Return everything but the samples as plain data that JSON can hold."""
        told = {key: value for key, value in vars(self).items() if key not in ("points", "fingerprints")}
        digests = {name: fingerprint.digest for name, fingerprint in self.fingerprints.items()}
        return {**told, "points": [asdict(point) for point in self.points], "fingerprints": digests}


def measure_tradeoff(
    model: Classifier,
    data: DataSet,
    tamperings: Sequence[str],
    covert: Sequence[str],
    *,
    method: Junction,
    count: int,
    folder: Path,
    profile: str = "fp32",
    seed: int = 0,
    created: datetime | None = None,
    progress: Progress = ignore_progress,
) -> Tradeoff:
    """Seal a fingerprint at each point and ask every suspect about it.

    1. Make the suspects, or take them from the cache.
    2. Seal `folder`/NAME.mprint for each point, or take up the one that is there.
    3. Ask the suspects about every sample, one picture at a time in float32, and compare with the original in float64.

    Args:
        model: The classifier to protect; left as it is.
        data: What it was trained and tested on.
        tamperings: Names in SUITE.
        covert: Points as `covert_names` gives them.
        method: How to craft; its own covertness is not looked at.
        count: Samples at each point.
        folder: For the fingerprints and, until all are there, unfinished work.
        profile: Name of the serving profile to seal for.
        seed: Of samples and suspects.
        created: Time for the files; now by default.
        progress: Told about long work.

    Raises:
        ValueError: An unknown tampering, more classes than the classifier knows, or a number out of range.
        BenchError: The folder holds a fingerprint that was sealed in another way.
        CraftingError: No point has a single sample.
        OracleError: A suspect gives logits that are not finite.
    """
    _check(model, data, tamperings, method, count, profile)
    job = _Job(
        model=model, data=data, count=count, folder=folder, profile=profile, seed=seed, created=created, told=progress
    )
    methods = {name: replace(method, covert=None if name == NEAREST else name) for name in covert}
    known = {name: job.known(name, method) for name, method in methods.items()}
    suspects = [
        load_or_make_suspect(kind, build(SUITE, kind), model, data, seed, progress=progress)
        for kind in track_steps("making suspects", tamperings, len(tamperings), progress)
    ]  # (1)
    views = _Views(model, data, suspects)
    points, sealed = [], {}
    for name in track_steps("points of the curve", methods, len(methods), progress):
        try:
            sealed[name] = known[name] or job.seal(name, methods[name])  # (2)
            points.append(views.point(name, sealed[name]))  # (3)
        except CraftingError as problem:
            points.append(Point(name=name, problem=str(problem)))
    if not sealed:
        raise CraftingError(points[0].problem)
    shutil.rmtree(folder / PARTIAL, ignore_errors=True)
    return Tradeoff(
        network=model.name,
        model_sha256=model.digest(),
        data=data.name,
        settings={key: value for key, value in asdict(method).items() if key != "covert"},
        profile=profile,
        count=count,
        seed=seed,
        suspects={suspect.kind: suspect.record() for suspect in suspects},
        points=tuple(points),
        fingerprints=sealed,
    )


def _check(
    model: Classifier, data: DataSet, tamperings: Sequence[str], method: Junction, count: int, profile: str
) -> None:
    if not tamperings or len(set(tamperings)) < len(tamperings):
        raise ValueError(f"tamperings are different ones and at least one, got {', '.join(tamperings) or 'none'}")
    for kind in tamperings:
        build(SUITE, kind)
    find_profile(profile)
    if count < 1:
        raise ValueError(f"count is at least 1 sample, got {count}")
    if max(method.k) > model.class_count:
        raise ValueError(f"k is 2 to {model.class_count}, the classes that {model.name} knows, got {max(method.k)}")
    if (model.image_shape, model.class_count) != (data.image_shape, len(data.class_names)):
        raise ValueError(
            f"{model.name} takes images of shape {model.image_shape} and knows {model.class_count} classes, but "
            f"{data.name} has images of shape {data.image_shape} and {len(data.class_names)} classes"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    """How all points are sealed."""

    model: Classifier
    data: DataSet
    count: int
    folder: Path
    profile: str
    seed: int
    created: datetime | None
    told: Progress

    def known(self, name: str, method: Junction) -> Fingerprint | None:
        """Return the fingerprint that an earlier call left for this point; None when there is none."""
        path = self.folder / f"{name}.mprint"
        if not path.exists():
            return None
        found = Fingerprint.load(path)
        asked = provenance_of(
            self.model.name, self.model.digest(), self.data, method.name, asdict(method), self.seed, datetime.now(UTC)
        )
        facts = ("version", "model_sha256", "data_sha256", "method", "settings", "seed")
        differing = [fact for fact in facts if getattr(found.provenance, fact) != getattr(asked, fact)]
        differing += ["profile"] if found.profile.name != self.profile else []
        differing += ["count"] if found.provenance.notes.get(ASKED) != str(self.count) else []
        if differing:
            raise BenchError(f"{path} was sealed with another {differing[0]}; name another folder, or delete the file")
        return found

    def seal(self, name: str, method: Junction) -> Fingerprint:
        """Seal the fingerprint of a point and keep it."""

        def told(phase: str, done: int, total: int) -> None:
            self.told(f"{name}: {phase}", done, total)

        fingerprint, _ = generate(
            self.model,
            self.data,
            method,
            count=self.count,
            profile=self.profile,
            seed=self.seed,
            allow_fewer=True,
            work=Work(progress=told, folder=self.folder / PARTIAL / name),
            created=self.created,
        )
        notes = {**fingerprint.provenance.notes, ASKED: str(self.count)}
        fingerprint = replace(fingerprint, provenance=replace(fingerprint.provenance, notes=notes))
        fingerprint.save(self.folder / f"{name}.mprint")
        return fingerprint


class _Views:
    """The original and its suspects, side by side, and how sure the original is of natural images."""

    def __init__(self, model: Classifier, data: DataSet, suspects: Sequence[Suspect]) -> None:
        self.exact = Precisions(model)
        self.suspects = suspects
        natural = model.logits(to_images(data.test.pixels[:NATURAL])).double().softmax(1)
        self.natural, self.labels = natural.max(1)

    def point(self, name: str, fingerprint: Fingerprint) -> Point:
        """Return what the samples of a fingerprint see."""
        pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
        logits = self.exact.exact_logits(to_images(pixels, torch.float64))
        confidences, labels = logits.softmax(1).max(1)
        return Point(
            name=name,
            samples=len(pixels),
            confidence=float(confidences.quantile(0.5)),
            natural=float(self._ranks(confidences, labels).quantile(0.5)),
            sights=tuple(_sight(suspect, logits, to_images(pixels)) for suspect in self.suspects),
        )

    def _ranks(self, confidences: Float64[Tensor, " n"], labels: Labels) -> Float64[Tensor, " n"]:
        """Return the percentile of each confidence among natural images of that label, or of all if none has it."""
        same: Int64[Tensor, "n natural"] = (labels[:, None] == self.labels).long()
        same = torch.where(same.any(1, keepdim=True), same, 1)
        lower = same * (self.natural < confidences[:, None])
        return 100 * lower.sum(1).double() / same.sum(1)


def _sight(suspect: Suspect, expected: Logits, images: Tensor) -> Sight:
    """Return what samples see of a suspect, given the logits of the original."""
    answers = suspect.classifier.logits(images, batch=1).double()
    if broken := int((~answers.isfinite()).any(1).sum()):
        raise OracleError(
            f"the suspect {suspect.kind} gives logits that are not finite to {broken} of {len(answers)} samples; "
            "leave it out"
        )
    mismatches = int((answers.argmax(1) != expected.argmax(1)).sum())
    low, high = exact_interval(mismatches, len(answers))
    changes = largest_changes(expected, answers)
    moved = answers - expected
    within = expected.softmax(1).amax(1) <= changes.sigmoid()
    return Sight(
        kind=suspect.kind,
        mismatches=mismatches,
        rate=mismatches / len(answers),
        low=low,
        high=high,
        logit_rms=float((moved - moved.mean(1, keepdim=True)).pow(2).mean().sqrt()),
        largest=float(changes.max()),
        bound=most_confident(float(changes.max())),
        possible=float(within.double().mean()),
    )
