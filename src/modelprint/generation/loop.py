"""The crafting loop: from natural images to the samples of a fingerprint, by weights or by labels.

A round crafts, rounds to eight bits, and drops what was given up, changed its label or is repeated. What is left are
candidates; those whose label honest serving cannot change are steady. Samples that are missing are crafted in the next
round. How to craft and which candidates are steady is decided by a `Steadiness`: by margins (`from_weights`), or by
repeated questions (`from_labels`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64
from torch import Tensor

from modelprint.crafting.ordering import interleave_labels
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample
from modelprint.methods.method import Crafted
from modelprint.pixels import Picture, Pixels
from modelprint.tensors import Images, Labels

ROUNDS = 4
"""Most rounds of crafting."""

RESERVE = 1.25
"""A later round crafts this many times what is missing, divided by the yield so far."""

LOWEST_YIELD = 0.5
"""A yield below this counts as this: more of the same would not help."""

FUTILE = 40
"""Crafting ends when this many images were crafted and none of them is steady."""

COUNTS = ("crafted", "given_up", "lost_rounding", "duplicates")
"""What is counted in each round."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What is asked for, and what is known of it before any work.

    Attributes:
        data: Its training part gives the sources.
        count: How many samples to seal, 1 to SAMPLE_LIMIT.
        seed: Of the choice of sources and the order of samples.
        expected_flip_rate: Probability p1, per sample, that the weakest tampering to be detected flips its label.
        allow_fewer: Seal fewer than `count` when there are no more, instead of raising an error.
        provenance: Where the samples come from; the counts and notes are filled in by `seal`.
        preprocessing_note: What the file says about preprocessing beyond shape and colour.
        normalisation: Mean and standard deviation for each channel, where they are outside the network.
    """

    data: DataSet
    count: int
    seed: int
    expected_flip_rate: float
    allow_fewer: bool
    provenance: Provenance
    preprocessing_note: str = Preprocessing.note
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.count <= SAMPLE_LIMIT:
            raise ValueError(f"count is 1 to {SAMPLE_LIMIT} samples, got {self.count}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """What is known of all candidates so far, in the order in which they were observed.

    Attributes:
        labels: Class of each; -1 where there is no single one.
        steady: Whether honest serving cannot change the label.
        margins: Top-1 minus top-2 logit; 0 where unknown.
        confidences: Softmax probability of the label; 0 where unknown.
    """

    labels: Labels
    steady: Bool[Tensor, " n"]
    margins: Float64[Tensor, " n"]
    confidences: Float64[Tensor, " n"]


@runtime_checkable
class Steadiness(Protocol):
    """Crafts images in rounds, and decides which of them have a steady label. Called in the order of the methods."""

    def craft(self, sources: Pixels, index: int) -> Crafted:
        """Craft as many images as there are sources, in round `index`."""

    def round(self, images: Images, origins: Pixels, index: int) -> tuple[Pixels, Bool[np.ndarray, " n"]]:
        """Return the images as eight-bit pixels, and which of them kept their label; `origins` are their sources."""

    def observe(self, pixels: Pixels) -> None:
        """Add candidates, none or more."""

    def judge(self) -> Judgement:
        """Judge all candidates of all rounds."""

    def label_sources(self, sources: Pixels) -> list[int | None]:
        """Return the class that the model gives each natural image; None where that is not known."""

    def explain_loss(self) -> str:
        """Return what is wrong with candidates that are not steady, after their number: "not steady under ..."."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CraftedRound:
    """The candidates of one round.

    Attributes:
        counts: By the names in COUNTS.
        pixels: The candidates.
        origins: Source of each.
    """

    counts: Mapping[str, int]
    pixels: Pixels
    origins: Pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The samples to seal.

    Attributes:
        samples: Labels in turn, each with its source.
        rows: Which candidate each sample is, in the order in which they were observed.
        counts: As in the reports: those in COUNTS over all rounds, `lost_steadiness`, `spare`, `kept`, `rounds`.
    """

    samples: tuple[Sample, ...]
    rows: tuple[int, ...]
    counts: Mapping[str, int]


def select_samples(request: Request, steadiness: Steadiness) -> Selection:
    """Craft in rounds until there are enough steady candidates, and choose among them.

    Raises:
        CraftingError: There are too few sources or too few steady candidates; says how many and what to do.
    """
    rounds = craft_rounds(request, steadiness)
    judgement = steadiness.judge()
    steady = judgement.steady.nonzero()[:, 0]
    chosen = interleave_labels(judgement.labels, steady, request.seed)[: request.count]
    counts = {
        **{name: _total(rounds, name) for name in COUNTS},
        "lost_steadiness": len(judgement.steady) - len(steady),
        "spare": len(steady) - len(chosen),
        "kept": len(chosen),
        "rounds": len(rounds),
    }
    if not chosen or (len(chosen) < request.count and not request.allow_fewer):
        raise CraftingError(_describe_shortage(request, counts, steadiness.explain_loss()))
    samples = _build_samples(rounds, judgement, chosen, steadiness)
    return Selection(samples=samples, rows=tuple(chosen), counts=counts)


def craft_rounds(request: Request, steadiness: Steadiness) -> list[CraftedRound]:
    """Craft until as many candidates are steady as are asked for, in at most ROUNDS rounds; no source is used twice."""
    rounds: list[CraftedRound] = []
    seen: set[bytes] = set()
    while len(rounds) < ROUNDS:
        used = _total(rounds, "crafted")
        wanted = _next_count(request, rounds, steadiness)
        if not wanted:
            break
        sources = pick_sources(request.data.train, wanted, request.seed, skip=used).pixels
        rounds.append(_craft_round(steadiness, sources, len(rounds), seen))
    return rounds


def _next_count(request: Request, rounds: Sequence[CraftedRound], steadiness: Steadiness) -> int:
    """Return how many images to craft in the next round."""
    used = _total(rounds, "crafted")
    left = len(request.data.train) - used
    if not rounds:
        return min(request.count, left) if request.allow_fewer else request.count
    steady = int(steadiness.judge().steady.sum())
    wanted = count_to_craft(request.count, steady, used, left)
    return wanted if steady else min(wanted, max(FUTILE - used, 0))


def count_to_craft(count: int, steady: int, crafted: int, left: int) -> int:
    """Return how many images to craft when `steady` of those `crafted` can be sealed and `left` sources are unused."""
    share = max(steady / crafted, LOWEST_YIELD)
    return min(math.ceil(RESERVE * max(count - steady, 0) / share), left)


def _craft_round(steadiness: Steadiness, sources: Pixels, index: int, seen: set[bytes]) -> CraftedRound:
    """Craft from `sources` and let `steadiness` observe what is new; new pixels are added to `seen`."""
    crafted = steadiness.craft(sources, index)
    usable = crafted.usable & crafted.images.isfinite().flatten(1).all(1)
    images, origins = crafted.images.detach()[usable], sources[crafted.rows[usable].numpy()]
    pixels, lasting = steadiness.round(images, origins, index)
    pixels, origins = pixels[lasting], origins[lasting]
    new = find_new(pixels, seen)
    pixels, origins = pixels[new], origins[new]
    steadiness.observe(pixels)
    counts = {
        "crafted": len(sources),
        "given_up": int((~usable).sum()),
        "lost_rounding": int((~lasting).sum()),
        "duplicates": int((~new).sum()),
    }
    return CraftedRound(counts=counts, pixels=pixels, origins=origins)


def find_new(pixels: Pixels, seen: set[bytes]) -> Bool[np.ndarray, " n"]:
    """Return which images are neither in `seen` nor repeat an earlier one; all of them are added to `seen`."""
    new = np.zeros(len(pixels), dtype=bool)
    for index, image in enumerate(pixels):
        content = image.tobytes()
        new[index] = content not in seen
        seen.add(content)
    return new


def _total(rounds: Sequence[CraftedRound], name: str) -> int:
    return sum(one.counts[name] for one in rounds)


def _build_samples(
    rounds: Sequence[CraftedRound], judgement: Judgement, chosen: Sequence[int], steadiness: Steadiness
) -> tuple[Sample, ...]:
    pixels = np.concatenate([one.pixels for one in rounds])
    origins = np.concatenate([one.origins for one in rounds])
    source_labels = steadiness.label_sources(origins[list(chosen)])
    return tuple(
        Sample(
            picture=Picture.of(pixels[row]),
            label=int(judgement.labels[row]),
            margin=float(judgement.margins[row]),
            # A sum of probabilities may be slightly above one.
            confidence=min(float(judgement.confidences[row]), 1.0),
            source=Picture.of(origins[row]),
            source_label=source_label,
        )
        for row, source_label in zip(chosen, source_labels, strict=True)
    )


def _describe_shortage(request: Request, counts: Mapping[str, int], loss: str) -> str:
    return (
        f"only {counts['kept']} of {request.count} samples can be sealed: of {counts['crafted']} crafted, "
        f"{counts['given_up']} were given up, {counts['lost_rounding']} lost to rounding, {counts['duplicates']} "
        f"repeated and {counts['lost_steadiness']} {loss}; ask for fewer samples, give more source images (there are "
        f"{len(request.data.train)}) or change the settings of {request.provenance.method}"
    )


def seal_blank(request: Request, profile: ProfileRecord, releases: Sequence[Release] = ()) -> None:
    """Seal a black sample, so that arguments that no file can hold are refused before any work.

    Raises:
        ValueError: Some argument cannot be written.
    """
    black = Picture.of(np.zeros(request.data.image_shape, dtype=np.uint8))
    seal(request, [Sample(picture=black, label=0, margin=0.0, confidence=0.0)], profile, releases=releases)


def seal_selection(
    request: Request,
    selection: Selection,
    profile: ProfileRecord,
    *,
    notes: Mapping[str, str],
    releases: Sequence[Release] = (),
    blocks: Mapping[str, Any] = MappingProxyType({}),
) -> Fingerprint:
    """Return the fingerprint of `selection`, whose provenance has its counts and `notes`, with optional `blocks`."""
    provenance = replace(
        request.provenance,
        crafted=selection.counts["crafted"],
        lost_rounding=selection.counts["lost_rounding"],
        lost_steadiness=selection.counts["lost_steadiness"],
        notes=notes,
    )
    request = replace(request, provenance=provenance)
    return seal(request, selection.samples, profile, releases=releases, blocks=blocks)


def seal(
    request: Request,
    samples: Sequence[Sample],
    profile: ProfileRecord,
    *,
    releases: Sequence[Release] = (),
    blocks: Mapping[str, Any] = MappingProxyType({}),
) -> Fingerprint:
    """Return the fingerprint.

    Raises:
        ValueError: It cannot be written.
    """
    channels, height, width = request.data.image_shape
    fingerprint = Fingerprint(
        samples=tuple(samples),
        class_names=request.data.class_names,
        profile=profile,
        preprocessing=Preprocessing(
            channels=channels,
            height=height,
            width=width,
            colour="L" if channels == 1 else "RGB",
            note=request.preprocessing_note,
            mean=None if request.normalisation is None else request.normalisation[0],
            std=None if request.normalisation is None else request.normalisation[1],
        ),
        provenance=request.provenance,
        expected_flip_rate=request.expected_flip_rate,
        releases=tuple(releases),
        **blocks,
    )
    _ = fingerprint.manifest
    return fingerprint
