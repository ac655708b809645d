"""The enrolled fingerprint: the samples with the labels of the deployment, and how they were enrolled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

from modelprint.enrolment.asking import Deployments
from modelprint.enrolment.plan import EnrolmentPlan
from modelprint.enrolment.release_check import Agreement
from modelprint.enrolment.walking import Spot
from modelprint.errors import EnrolmentError
from modelprint.fingerprint.blocks import FlipCount
from modelprint.fingerprint.enrolment import (
    HINT_LIMIT,
    TEXT_LIMIT,
    EnrolledDeployment,
    EnrolledSample,
    Enrolment,
)
from modelprint.fingerprint.integrity import Fingerprint, ProfileRecord, Sample
from modelprint.intervals import LEVEL, upper_bound
from modelprint.pixels import Picture
from modelprint.verification.asking import make_printable

PROFILE = "enrolled"
"""What the profile of an enrolled file is called: one deployment, as it answered."""
PASSING_HINTS = frozenset({"age", "x-request-id", "x-envoy-upstream-service-time", "x-varnish"})
"""Hints that differ from one reply to the next and say nothing about the server."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EnrolledParts:
    """What an enrolment has found out.

    Attributes:
        plan: How it was made.
        deployments: What was asked.
        agreement: What natural images showed.
        unchanged: Samples of the file that got the label they were sealed with.
        spots: What was chosen, in order.
        compared: Answers that were compared with others about the same picture.
        flips: How many of them differed.
        created: Time for the file.
    """

    plan: EnrolmentPlan
    deployments: Deployments
    agreement: Agreement
    unchanged: int
    spots: tuple[Spot, ...]
    compared: int
    flips: int
    created: datetime


def assemble(fingerprint: Fingerprint, parts: EnrolledParts) -> Fingerprint:
    """Return the enrolled fingerprint.

    Raises:
        EnrolmentError: The labels of the deployment flip about as often as a tampering would flip them.
    """
    flip_rate = upper_bound(parts.flips, parts.compared)
    if flip_rate >= fingerprint.expected_flip_rate:
        raise EnrolmentError(
            f"{parts.flips} of {parts.compared} answers flipped, so honest labels may flip with a probability of "
            f"{flip_rate:.2g}, which is not below the {fingerprint.expected_flip_rate:g} of the weakest tampering; "
            "ask more often with --repeats, or about more samples"
        )
    return replace(
        fingerprint,
        samples=tuple(_make_sample(fingerprint.samples[spot.origin], spot) for spot in parts.spots),
        profile=ProfileRecord(name=PROFILE, floor=0.0, multiple=0.0, flip_rate=flip_rate),
        releases=(),  # their labels were computed for other servers, and other pictures where samples were moved
        honest_flips=FlipCount(answers=parts.compared, flips=parts.flips, confidence=LEVEL),
        sensitivity=(),
        scores=None,
        enrolment=_record(fingerprint, parts),
    )


def _make_sample(before: Sample, spot: Spot) -> Sample:
    """Return a sample with its enrolled label; of a picture that was moved, margin and confidence are not known."""
    if not spot.moved:
        return replace(before, label=spot.label)
    return replace(before, picture=Picture.of(spot.pixels), label=spot.label, margin=0.0, confidence=0.0)


def _record(fingerprint: Fingerprint, parts: EnrolledParts) -> Enrolment:
    plan, earlier = parts.plan, fingerprint.enrolment
    history = () if earlier is None else (*earlier.history, earlier.made_from)
    return Enrolment(
        deployments=tuple(
            EnrolledDeployment(description=_shorten(oracle.describe()), hints=_list_hints(hints))
            for oracle, hints in zip(parts.deployments.oracles, parts.deployments.hints, strict=True)
        ),
        enrolled=parts.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=version("modelprint"),
        questions=parts.deployments.asked + parts.deployments.recalled,
        repeats=plan.repeats,
        variation=tuple(turn.name for turn in plan.turns),
        walks=plan.walks,
        seed=plan.seed,
        precision=plan.precision,
        natural=parts.agreement.natural,
        agreed=parts.agreement.agreed,
        kept=parts.unchanged,
        made_from=fingerprint.digest,
        history=history,
        samples=tuple(_record_sample(fingerprint, spot) for spot in parts.spots),
    )


def _record_sample(fingerprint: Fingerprint, spot: Spot) -> EnrolledSample:
    earlier = fingerprint.enrolment
    before = None if earlier is None else earlier.samples[spot.origin]
    return EnrolledSample(
        origin=spot.origin,
        released_label=fingerprint.samples[spot.origin].label if before is None else before.released_label,
        moved=spot.moved + (0 if before is None else before.moved),
        flip_rate=spot.flip_rate,
    )


def _list_hints(hints: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    named = [name for name in sorted(hints) if name.lower() not in PASSING_HINTS][:HINT_LIMIT]
    return {_clean(name): tuple(map(_clean, sorted(hints[name])[:HINT_LIMIT])) for name in named}


def _shorten(texts: Mapping[str, str]) -> dict[str, str]:
    return {_clean(name): _clean(text) for name, text in texts.items()}


def _clean(text: str) -> str:
    return make_printable(text, TEXT_LIMIT)
