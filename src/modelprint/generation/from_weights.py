"""From a classifier to a sealed fingerprint: craft, round to eight bits, label, keep the steady, seal.

    fingerprint, report = generate(model, data, Bisection(), method_name="bisection", settings={}, count=100)
    print(report.summary())
    fingerprint.save("release.mprint")

What a method makes in floats counts for nothing until it is eight-bit pixels: those are labelled, measured and sealed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import rfc8785
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from modelprint.calibration import FLOAT64, Forms, Noise, Profile, join, measure, profile_named, reference_labels
from modelprint.classifier import Classifier
from modelprint.crafting.ordering import in_turn
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.releases import KnownRelease, check_releases, label_releases
from modelprint.generation.report import GenerationReport
from modelprint.generation.rounding import Rounded, Rounding, bound_of, round_by_search, round_nearest, rounding_named
from modelprint.generation.rounds import FLIP_RATE, ROUNDS, unseen, wanted_again
from modelprint.methods.method import Crafted, Method
from modelprint.pixels import OnePixels, Picture, Pixels
from modelprint.tensors import Images, to_images
from modelprint.work import Work

__all__ = ["GenerationReport", "generate"]

COUNTS = ("crafted", "given_up", "lost_rounding", "duplicates")
"""What is counted in each round."""


def generate(
    model: Classifier,
    data: DataSet,
    method: Method,
    *,
    method_name: str,
    settings: Mapping[str, object],
    count: int,
    profile: str = "fp32",
    seed: int = 0,
    multiple: float = 3.0,
    rounding: str = "nearest",
    expected_flip_rate: float = 0.25,
    allow_fewer: bool = False,
    releases: Sequence[KnownRelease] = (),
    work: Work = Work(),  # noqa: B008 - frozen, so one for all calls is right
    created: datetime | None = None,
) -> tuple[Fingerprint, GenerationReport]:
    """Craft samples of `model` with `method` and seal those whose labels honest serving cannot change.

    1. Seal a blank sample, so that arguments no file can hold are refused before any work.
    2. Pick source images from the training part, classes in turn, none of them twice, and measure their noise.
    3. Craft; drop what the method gave up on.
    4. Round to eight bits and label in float64; drop a sample whose label rounding changed, or whose pixels are known.
    5. Measure the noise of the samples, take the floor over them and the sources, and keep the steady ones.
    6. Craft again what is missing, in up to four rounds. Every round counts with the floor of all.
    7. Put the samples in an order that takes the labels in turn, label them by every release, and seal.

    A finished round is kept in the folder of `work`, so an interrupted call made again goes on with the next round; the
    method keeps its own unfinished state in a folder of each round below it.

    Args:
        model: The classifier to protect; left as it is.
        data: What it was trained and tested on.
        method: How to craft.
        method_name: What the file calls the method.
        settings: Its settings, for the file: anything that JSON can hold.
        count: How many samples to seal.
        profile: Name of a serving profile, as `profile_named` knows it.
        seed: Equal arguments give equal samples, bit for bit, on one machine.
        multiple: Smallest margin, in noise floors.
        rounding: "nearest" grey levels, or "search" for such that keep the logits of what the method made in floats.
        expected_flip_rate: Probability p1, per sample, that the weakest tampering to be seen flips its label.
        allow_fewer: Seal what there is when that is less than `count`, instead of raising an error.
        releases: Other models whose labels the file is to carry.
        work: Progress and resumption; its identity is replaced by a hash of everything the samples depend on.
        created: Time for the file; now by default.

    Returns:
        The fingerprint, and what became of every crafted sample.

    Raises:
        ValueError: An argument is out of range or cannot be written to a file.
        CraftingError: There are too few source images or too few steady samples; says how many and what to do.
    """
    _check(model, data, count)
    check_releases(model, releases)
    job = _Job(
        forms=Forms(model, data.train.pixels),
        data=data,
        method=method,
        count=count,
        profile=profile_named(profile),
        seed=seed,
        multiple=multiple,
        rounding=rounding_named(rounding),
        expected_flip_rate=expected_flip_rate,
        allow_fewer=allow_fewer,
        releases=releases,
        provenance=provenance_of(
            model.name, model.digest(), data, method_name, settings, seed, created or datetime.now(UTC)
        ),
        work=work,
    )
    blank = Picture.of(np.zeros(model.image_shape, dtype=np.uint8))
    names = [Release(name=one.name, labels=(0,), precision=one.precision) for one in releases]
    _seal(job, [Sample(picture=blank, label=0, margin=0.0, confidence=0.0)], None, names)  # (1)
    job = replace(job, work=replace(work, identity=_identity(job)))
    rounds = _craft_rounds(job)  # (2) to (6)
    return _finish(job, rounds)  # (7)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    """The arguments of one call, and what follows from them."""

    forms: Forms
    data: DataSet
    method: Method
    count: int
    profile: Profile
    seed: int
    multiple: float
    rounding: Rounding
    expected_flip_rate: float
    allow_fewer: bool
    releases: Sequence[KnownRelease]
    provenance: Provenance
    work: Work


@dataclass(frozen=True, kw_only=True, eq=False)
class _Round:
    """One run of the method, sifted; the rows of `noise` are the candidates, then all sources. Counts as reported."""

    counts: Mapping[str, int]
    candidates: Pixels
    origins: Pixels
    noise: Noise
    rounded: Rounded
    notes: Mapping[str, str]

    @property
    def is_candidate(self) -> Bool[Tensor, " rows"]:
        """Which rows of `noise` are candidates."""
        return torch.arange(len(self.noise.labels)) < len(self.candidates)


def _check(model: Classifier, data: DataSet, count: int) -> None:
    if not 1 <= count <= SAMPLE_LIMIT:
        raise ValueError(f"count is 1 to {SAMPLE_LIMIT} samples, got {count}")
    if data.image_shape != model.image_shape:
        raise CraftingError(
            f"{model.name} takes images of shape {model.image_shape}, but those of {data.name} have {data.image_shape}"
        )
    if len(data.class_names) != model.class_count:
        raise CraftingError(
            f"{model.name} knows {model.class_count} classes, but {data.name} has {len(data.class_names)}"
        )


def _identity(job: _Job) -> str:
    """Return the hash of everything the crafted images depend on."""
    made = job.provenance
    facts: list[Any] = [made.version, made.model_sha256, made.data_sha256, made.method, made.settings]
    facts += [made.seed, job.count, job.profile.name, job.multiple, job.allow_fewer]
    facts += [] if job.rounding == "nearest" else [job.rounding]
    return hashlib.sha256(rfc8785.dumps(facts)).hexdigest()


def _craft_rounds(job: _Job) -> list[_Round]:
    rounds: list[_Round] = []
    seen: set[bytes] = set()
    for index in range(ROUNDS):
        used = _total(rounds)["crafted"]
        wanted = _wanted(job, rounds, len(job.data.train) - used)
        if not wanted:
            break
        sources = pick_sources(job.data.train, wanted, job.seed, skip=used).pixels
        noise = measure(job.forms, sources, job.profile, progress=job.work.progress)
        margin = job.multiple * max([noise.floor, *(done.noise.floor for done in rounds)])
        asked = replace(job, work=replace(job.work, margin=margin))
        crafted = _craft(asked, sources, index)
        rounds.append(_sift(asked, sources, noise, crafted, seen, index))
    return rounds


def _wanted(job: _Job, rounds: Sequence[_Round], left: int) -> int:
    """Return how many samples to craft in the next round, when so many sources are left."""
    if not rounds:
        return min(job.count, left) if job.allow_fewer else job.count
    kept = int(_pool(rounds, job.multiple).steady.sum())
    return wanted_again(job.count, kept, _total(rounds)["crafted"], left)


def _craft(job: _Job, sources: Pixels, index: int) -> Crafted:
    """Run the method on `sources`, or take up what it made of them in an interrupted call."""
    name, work = _round_name(index), job.work
    saved = work.resume(name)
    if "origins" in saved and np.array_equal(saved["sources"].numpy(), sources):
        notes = json.loads(saved["notes"].numpy().tobytes())
        return Crafted(images=saved["images"], usable=saved["usable"], origins=saved["origins"], notes=notes)
    crafted = job.method.craft(job.forms.model, job.data, sources, job.seed, _inner(work, index))
    notes = torch.tensor(list(json.dumps(dict(crafted.notes)).encode()), dtype=torch.uint8)
    images = {"images": crafted.images.detach(), "sources": torch.from_numpy(sources)}
    work.save(name, {**images, "usable": crafted.usable, "origins": crafted.rows, "notes": notes})
    return crafted


def _round_name(index: int) -> str:
    return f"round-{index}"


def _inner(work: Work, index: int) -> Work:
    """Return the work of one round, which keeps what is unfinished in a folder of its own."""
    return replace(work, folder=work.folder and work.folder / _round_name(index))


def _round(job: _Job, floats: Images, origins: Pixels, index: int) -> Rounded:
    """Return what a method made of `origins` as eight-bit pixels."""
    if job.rounding == "nearest":
        return round_nearest(floats)
    radii, work = bound_of(job.method, to_images(origins)), _inner(job.work, index)
    return round_by_search(job.forms.model, floats, origins, radii=radii, seed=job.seed, work=work)


def _sift(job: _Job, sources: Pixels, noise: Noise, crafted: Crafted, seen: set[bytes], index: int) -> _Round:
    """Round, label and measure what was crafted; `noise` is that of `sources`, and `seen` learns new pixels."""
    usable = crafted.usable & crafted.images.isfinite().flatten(1).all(1)
    floats, origins = crafted.images.detach()[usable], sources[crafted.rows[usable].numpy()]
    rounded = _round(job, floats, origins, index)
    pixels = rounded.pixels
    lasting = reference_labels(job.forms, floats) == reference_labels(job.forms, to_images(pixels, torch.float64))
    candidates, origins = pixels[lasting.numpy()], origins[lasting.numpy()]
    fresh = unseen(candidates, seen)
    candidates, origins = candidates[fresh], origins[fresh]
    if len(candidates):
        noise = join([measure(job.forms, candidates, job.profile, progress=job.work.progress), noise])
    return _Round(
        counts={
            "crafted": len(sources),
            "given_up": int((~usable).sum()),
            "lost_rounding": int((~lasting).sum()),
            "duplicates": int((~fresh).sum()),
        },
        candidates=candidates,
        origins=origins,
        noise=noise,
        rounded=rounded,
        notes=crafted.notes,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pool:
    """The candidates of all rounds: the noise of everything, their rows in it, and which of them are steady."""

    noise: Noise
    rows: Int64[Tensor, " candidates"]
    steady: Bool[Tensor, " candidates"]


def _pool(rounds: Sequence[_Round], multiple: float) -> _Pool:
    noise = join([done.noise for done in rounds])
    rows = torch.cat([done.is_candidate for done in rounds]).nonzero()[:, 0]
    return _Pool(noise=noise, rows=rows, steady=noise.steady(multiple)[rows])


def _finish(job: _Job, rounds: Sequence[_Round]) -> tuple[Fingerprint, GenerationReport]:
    pool = _pool(rounds, job.multiple)
    labels = pool.noise.labels[pool.rows]
    kept = in_turn(labels, pool.steady.nonzero()[:, 0], job.seed)[: job.count]
    steady = int(pool.steady.sum())
    report = GenerationReport(
        **_total(rounds),
        lost_steadiness=len(pool.rows) - steady,
        spare=steady - len(kept),
        kept=len(kept),
        rounds=len(rounds),
        floor=pool.noise.floor,
        multiple=job.multiple,
        absent=pool.noise.absent,
        separations={},
        **_residuals(rounds),
    )
    if not kept or (len(kept) < job.count and not job.allow_fewer):
        raise CraftingError(_shortage(job, report))
    candidates = np.concatenate([done.candidates for done in rounds])
    origins = np.concatenate([done.origins for done in rounds])
    samples = [_sample(candidates[index], origins[index], pool.noise, int(pool.rows[index])) for index in kept]
    provenance = replace(
        job.provenance,
        crafted=report.crafted,
        lost_rounding=report.lost_rounding,
        lost_steadiness=report.lost_steadiness,
        notes=_notes(rounds, pool.noise) | report.rounding_note,
    )
    releases = label_releases(
        job.releases,
        candidates[kept],
        natural=job.data.train.pixels,
        profile=job.profile,
        multiple=job.multiple,
        progress=job.work.progress,
    )
    fingerprint = _seal(replace(job, provenance=provenance), samples, pool.noise, releases)
    return fingerprint, replace(report, separations=fingerprint.separations)


def _sample(pixels: OnePixels, source: OnePixels, noise: Noise, row: int) -> Sample:
    return Sample(
        picture=Picture.of(pixels),
        label=int(noise.labels[row]),
        margin=float(noise.margins[row]),
        # A sum of probabilities may come to a little more than one.
        confidence=min(float(noise.confidences[row]), 1.0),
        source=Picture.of(source),
    )


def _total(rounds: Sequence[_Round]) -> dict[str, int]:
    """Return the counts of all rounds together."""
    return {name: sum(done.counts[name] for done in rounds) for name in COUNTS}


def _residuals(rounds: Sequence[_Round]) -> dict[str, Any]:
    """Return how many images were rounded by search, and what became of their gaps, as reported."""
    nearest, search = (torch.cat([getattr(done.rounded, name) for done in rounds]) for name in ("nearest", "search"))
    if not len(search):
        return {}
    medians = {"residual_nearest": nearest.median().item(), "residual_search": search.median().item()}
    return {"searched": len(search), **medians}


def _shortage(job: _Job, report: GenerationReport) -> str:
    return (
        f"only {report.kept} of {job.count} samples can be sealed: of {report.crafted} crafted, {report.given_up} were "
        f"given up, {report.lost_rounding} lost to rounding, {report.duplicates} repeated and {report.lost_steadiness} "
        f"not steady under profile {job.profile.name}; ask for fewer samples, give more source images "
        f"(there are {len(job.data.train)}) or change the settings of {job.provenance.method}"
    )


def _notes(rounds: Sequence[_Round], noise: Noise) -> dict[str, str]:
    """Return what the method says of each round, and what could not be measured."""
    notes: dict[str, str] = {}
    for index, done in enumerate(rounds):
        for name, text in done.notes.items():
            if notes.setdefault(name, text) != text:
                notes[f"{name} (round {index})"] = text
    if noise.reference_name != FLOAT64:
        notes["reference"] = f"{noise.reference_name}, because the classifier cannot be computed in float64"
    return notes | {f"not measured: {name}": reason for name, reason in noise.absent.items()}


def _seal(job: _Job, samples: Sequence[Sample], noise: Noise | None, releases: Sequence[Release]) -> Fingerprint:
    """Return the fingerprint; ValueError when it cannot be written."""
    channels, height, width = job.data.image_shape
    fingerprint = Fingerprint(
        samples=tuple(samples),
        class_names=job.data.class_names,
        profile=ProfileRecord(
            name=job.profile.name,
            floor=noise.floor if noise else 0.0,
            multiple=job.multiple,
            flip_rate=FLIP_RATE,
            variants=noise.shifts if noise else {},
        ),
        preprocessing=Preprocessing(
            channels=channels, height=height, width=width, colour="L" if channels == 1 else "RGB"
        ),
        provenance=job.provenance,
        expected_flip_rate=job.expected_flip_rate,
        releases=tuple(releases),
    )
    _ = fingerprint.manifest
    return fingerprint
