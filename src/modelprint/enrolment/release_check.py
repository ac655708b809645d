"""Is this the release at all? Natural images whose labels are known must get them, as far as the precision explains.

The samples of a fingerprint cannot show that: in another precision than they were sealed for, most of them get another
label although nothing was changed. Ordinary images do. They find another model, another order of labels or other
preprocessing, random answers and caches; they cannot find a slightly changed model, which is what the samples are for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from modelprint.enrolment.asking import Deployments
from modelprint.enrolment.plan import NATURAL_LIMIT, NATURAL_REPEATED, Turn
from modelprint.enrolment.steadiness import read_label
from modelprint.errors import EnrolmentError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification.doubts import list_cache_hints
from modelprint.verification.tally import find_permutation
from modelprint.verification.verdict import Observed

SEALED_SHARES = {"fp32": 1e-3, "tf32": 3e-3, "fp16": 3e-3, "bf16": 1e-2, "int8": 2e-2}
"""By precision: share of ordinary images that honest serving in it gives another label than the release, at most."""
CONTROL_SHARES = {"fp32": 1e-5, "tf32": 1e-4, "fp16": 1e-4, "bf16": 1e-3, "int8": 3e-3}
"""The same for images with wide margins."""
COVERED = {
    "fp32": ("fp32", "tf32", "fp16", "bf16", "int8"),
    "tf32": ("tf32", "fp16", "bf16", "int8"),
    "fp16": ("fp16",),
    "bf16": ("bf16",),
    "int8": ("int8",),
}
"""By precision: the profiles whose samples keep their labels in it."""
LEVEL = 1e-3
"""An honest deployment is refused with at most this probability."""
CHANGING = 0.1
"""Share of natural images with two different answers from which on answers are called changing."""
WATCHED, MORE = 5, 8
"""How many of these are asked about again, and how often, to say how answers change."""
PHASE = "checking the release"

FIRST = Turn(name="first")
AGAIN = Turn(name="again", concurrent=True, shuffled=True)


@dataclass(frozen=True, kw_only=True)
class Natural:
    """An ordinary image and the class that the released model gives it.

    Attributes:
        picture: The image.
        label: The class.
        wide: Whether its margin is known to be wide.
    """

    picture: Picture
    label: int
    wide: bool


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How many natural images got their label.

    Attributes:
        natural: Images that were asked about, of every deployment.
        agreed: How many got the label of the release.
    """

    natural: int = 0
    agreed: int = 0


def list_natural(fingerprint: Fingerprint) -> list[Natural]:
    """Return the natural images in the file whose labels are known, those with wide margins first, each once."""
    controls = [Natural(picture=one.picture, label=one.label, wide=True) for one in fingerprint.controls]
    sources = [
        Natural(picture=one.source, label=one.source_label, wide=False)
        for one in fingerprint.samples
        if one.source is not None and one.source_label is not None
    ]
    found: dict[str, Natural] = {}
    for one in [*controls, *sources]:
        found.setdefault(one.picture.sha256, one)
    return list(found.values())


def check_release(deployments: Deployments, fingerprint: Fingerprint, precision: str | None) -> Agreement:
    """Ask about natural images, and refuse a deployment that is not the release.

    1. Ask about all of them, and about some again.
    2. Refuse answers that come from a cache: repeating a question would show nothing.
    3. Refuse answers that change: random ones, or those of two models.
    4. Refuse more other labels than the precision explains, and say whether they are a permutation of ours.

    Args:
        deployments: Whom to ask.
        fingerprint: The release.
        precision: What the deployment computes in; None allows for any.

    Raises:
        EnrolmentError: Says what was seen.
        OracleError: There was no answer.
    """
    natural = list_natural(fingerprint)[:NATURAL_LIMIT]
    if not natural:
        raise EnrolmentError(
            "the file has no natural images with known labels, so whether this is the release cannot be checked; seal "
            "it again with this version, or check it yourself and give --unchecked"
        )
    asked = [one.picture for one in natural]
    first = deployments.ask_turn(asked, FIRST, PHASE)  # (1)
    again = deployments.ask_turn(asked[:NATURAL_REPEATED], AGAIN, PHASE)
    agreed = 0
    for place in range(len(deployments.oracles)):
        name = _name(deployments, place)
        _refuse_cache(name, natural, again[place])  # (2)
        labels = [read_label(answer) for answer in first[place]]
        repeated = [read_label(answer) for answer in again[place]]
        _refuse_changing(deployments, place, asked, labels, repeated)  # (3)
        _refuse_disagreement(name, natural, labels, fingerprint.class_names, precision)  # (4)
        agreed += _count_agreed(natural, labels)
    return Agreement(natural=len(natural) * len(deployments.oracles), agreed=agreed)


def check_samples(fingerprint: Fingerprint, labels: Sequence[int | None], precision: str | None) -> int:
    """Return how many samples have the label they were sealed with.

    Args:
        fingerprint: The release.
        labels: What the deployment says about each sample; None where it does not keep a label.
        precision: What it computes in; None refuses nothing.

    Raises:
        EnrolmentError: The samples were sealed for servers of that precision, and yet more of them got another label
            than their honest flip rate explains.
    """
    sealed = [sample.label for sample in fingerprint.samples]
    agreed = sum(one == other for one, other in zip(labels, sealed, strict=True))
    profile = "fp32" if fingerprint.profile.name.startswith("jpeg-") else fingerprint.profile.name
    if fingerprint.enrolment is None and profile in COVERED.get(precision or "", ()):
        allowed = count_allowed(len(sealed) * fingerprint.profile.flip_rate)
        if len(sealed) - agreed > allowed:
            raise EnrolmentError(
                f"{len(sealed) - agreed} of {len(sealed)} samples got another label than they were sealed with for "
                f"profile {fingerprint.profile.name}; {precision} explains at most {allowed}: the weights are not "
                "those of the release, or it computes in another precision than --precision says"
            )
    return agreed


def count_allowed(mean: float) -> int:
    """Return the largest count that a Poisson number of this mean exceeds with probability LEVEL at most."""
    count, term = 0, exp(-mean)
    below = term
    while 1 - below > LEVEL:
        count += 1
        term *= mean / count
        below += term
    return count


def _name(deployments: Deployments, place: int) -> str:
    return f"deployment {place + 1}: " if len(deployments.oracles) > 1 else ""


def _refuse_cache(name: str, natural: Sequence[Natural], again: Sequence[Answer]) -> None:
    pairs = enumerate(zip(natural, again, strict=False))
    hints = list_cache_hints(
        Observed(index=index, png_sha256=one.picture.sha256, expected=one.label, answer=answer)
        for index, (one, answer) in pairs
    )
    if hints:
        raise EnrolmentError(
            f"{name}a cache answers when a question is repeated ({', '.join(hints[:3])}), so repeating shows nothing; "
            "let the cache be passed by, e.g. with a Cache-Control header in the endpoint file"
        )


def _refuse_changing(
    deployments: Deployments, place: int, pictures: Sequence[Picture], first: Sequence[int], again: Sequence[int]
) -> None:
    """Refuse answers that change, after asking about some of the pictures often enough to say how they change."""
    changed = [index for index, (one, other) in enumerate(zip(first, again, strict=False)) if one != other]
    if len(changed) <= max(CHANGING * len(again), 1):
        return
    watched = [pictures[index] for index in changed[:WATCHED]]
    turns = [Turn(name=f"more {number}") for number in range(MORE)]
    answers = [deployments.ask_turn(watched, turn, PHASE)[place] for turn in turns]
    most = max(len({read_label(answer) for answer in of_one}) for of_one in zip(*answers, strict=True))
    reason = "two models answer in turn" if most <= 2 else f"up to {most} different ones, so it answers at random"
    raise EnrolmentError(
        f"{_name(deployments, place)}{len(changed)} of {len(again)} natural images got another label when they were "
        f"asked about again: {reason}"
    )


def _refuse_disagreement(
    name: str, natural: Sequence[Natural], labels: Sequence[int], class_names: Sequence[str], precision: str | None
) -> None:
    known = precision or "int8"  # of those that are allowed for, the one with most noise
    shares = [(CONTROL_SHARES if one.wide else SEALED_SHARES)[known] for one in natural]
    wrong, allowed = len(natural) - _count_agreed(natural, labels), count_allowed(float(np.sum(shares)))
    if wrong <= allowed:
        return
    explained = f"{precision} explains" if precision else "no precision explains more than"
    raise EnrolmentError(
        f"{name}{wrong} of {len(natural)} natural images got another label than the release gives them, and "
        f"{explained} {allowed}: {_explain_labels(natural, labels, class_names)}"
    )


def _explain_labels(natural: Sequence[Natural], labels: Sequence[int], class_names: Sequence[str]) -> str:
    """Say what may be the reason of labels that are not those of the release."""
    if len(set(labels)) == 1 and labels[0] >= 0:
        return f"all of them got the label {class_names[labels[0]]!r}"
    found = find_permutation((one.label, label) for one, label in zip(natural, labels, strict=True)) or {}
    moved = {ours: seen for ours, seen in found.items() if ours != seen and seen >= 0}
    if moved and (set(moved) == set(moved.values()) or 2 * len(moved) > len(found)):
        shown = ", ".join(f"{class_names[seen]!r} for {class_names[ours]!r}" for ours, seen in list(moved.items())[:3])
        return f"it answers in other labels, one for each of ours ({shown}); give the endpoint file a label map"
    return "it has other weights, or other preprocessing (order of colours, normalisation, resizing, JPEG)"


def _count_agreed(natural: Sequence[Natural], labels: Sequence[int]) -> int:
    return sum(one.label == label for one, label in zip(natural, labels, strict=True))
