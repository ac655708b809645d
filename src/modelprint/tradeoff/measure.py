"""What covertness costs: detection against the top-1 probability of the samples, for suspects that are made here.

A sample near a tie has a low top-1 probability, and an operator who sees scores can filter it. A sample that looks
natural sees less: `most_confident` says beyond which probability it cannot see a change at all. Only the method
Junction has a setting for how natural its samples look, so the curves are its curves.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from modelprint.calibration import find_profile
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.methods.junction import Junction
from modelprint.progress import Progress, ignore_progress, track_steps
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect
from modelprint.tradeoff.curve import NEAREST, Point, Tradeoff
from modelprint.tradeoff.sealer import PARTIAL, PointSealer
from modelprint.tradeoff.seen_rates import SuspectComparison


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
    2. Seal `folder`/NAME.mprint for each point, or load the one that is there.
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
        progress: Called with the steps of long work.

    Raises:
        ValueError: An unknown tampering, more classes than the classifier knows, or a number out of range.
        BenchError: The folder holds a fingerprint that was sealed in another way.
        CraftingError: No point has a single sample.
        OracleError: A suspect gives logits that are not finite.
    """
    _check(model, data, tamperings, method, count, profile)
    sealer = PointSealer(
        model=model,
        data=data,
        count=count,
        folder=folder,
        profile=profile,
        seed=seed,
        created=created,
        progress=progress,
    )
    methods = {name: replace(method, covert=None if name == NEAREST else name) for name in covert}
    known = {name: sealer.load(name, method) for name, method in methods.items()}
    suspects = [
        load_or_make_suspect(kind, build(SUITE, kind), model, data, seed, progress=progress)
        for kind in track_steps("making suspects", tamperings, len(tamperings), progress)
    ]  # (1)
    comparison = SuspectComparison(model, data, suspects)
    points, sealed = [], {}
    for name in track_steps("points of the curve", methods, len(methods), progress):
        try:
            sealed[name] = known[name] or sealer.seal(name, methods[name])  # (2)
            points.append(comparison.point(name, sealed[name]))  # (3)
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
