"""The optional blocks of an integrity fingerprint, all of format 3. Needs no torch.

A block is one entry of the manifest that a file may leave out. To add one: write its record, which checks its own
numbers, and name it once in `Blocks` and once in `BlockEntries`. A record of numbers and texts alone needs no more; it
is written with `asdict` and read as itself. A block that has to fit the samples or the classes has a line in
`check_blocks`.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import BaseModel

from modelprint.fingerprint.container import CONTROL_LIMIT
from modelprint.fingerprint.enrolment import Enrolment
from modelprint.fingerprint.manifest import STRICT
from modelprint.fingerprint.parts import EXACT_INTEGER, check_name
from modelprint.fingerprint.pictures import picture_name
from modelprint.fingerprint.scores import ScoreRecord
from modelprint.pixels import Picture

TAMPERING_LIMIT = 64


@dataclass(frozen=True, kw_only=True)
class Control:
    """An ordinary image with a wide margin: a model that is asked as it was sealed gives it its label.

    Attributes:
        picture: The image as it travels.
        label: Class the owner's model gives it.
        margin: Top-1 minus top-2 logit in float64; 0 where only labels could be seen.
    """

    picture: Picture
    label: int
    margin: float

    def __post_init__(self) -> None:
        if self.label < 0:
            raise ValueError(f"the label of a control is a class index and cannot be negative, got {self.label}")
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise ValueError(f"the margin of a control is a finite difference of logits, at least 0, got {self.margin}")


@dataclass(frozen=True, kw_only=True)
class FlipCount:
    """How often honest serving flipped the label of a sample; `profile.flip_rate` is an upper bound from it.

    Attributes:
        answers: How many answers were compared with the label of their sample.
        flips: How many of them were another label.
        confidence: Level of the one-sided Clopper-Pearson bound, e.g. 0.95.
    """

    answers: int
    flips: int
    confidence: float

    def __post_init__(self) -> None:
        if not 1 <= self.answers <= EXACT_INTEGER:
            raise ValueError(f"honest_flips: answers is a whole number from 1 to 2**53 - 1, got {self.answers}")
        if not 0 <= self.flips <= self.answers:
            raise ValueError(f"honest_flips: flips is 0 to {self.answers}, the number of answers, got {self.flips}")
        if not 0 < self.confidence < 1:
            raise ValueError(f"honest_flips: confidence is a probability between 0 and 1, got {self.confidence}")


@dataclass(frozen=True, kw_only=True)
class TamperingRate:
    """How many labels one cheap tampering of the protected model flipped when the file was sealed.

    Attributes:
        tampering: Its name.
        flipped: Samples whose label it flipped.
        samples: Samples that were compared.
        moved: Median shift of the gap between the two top classes of a sample, in logits.
    """

    tampering: str
    flipped: int
    samples: int
    moved: float

    def __post_init__(self) -> None:
        check_name("name of a tampering", self.tampering)
        if not 1 <= self.samples <= EXACT_INTEGER:
            raise ValueError(
                f"sensitivity to {self.tampering}: samples is a whole number from 1 to 2**53 - 1, got {self.samples}"
            )
        if not 0 <= self.flipped <= self.samples:
            raise ValueError(
                f"sensitivity to {self.tampering}: flipped is 0 to {self.samples}, the number of samples, "
                f"got {self.flipped}"
            )
        if not (math.isfinite(self.moved) and self.moved >= 0):
            raise ValueError(f"sensitivity to {self.tampering}: moved is a finite number, at least 0, got {self.moved}")


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """What a fingerprint may carry besides its samples and releases; a block that is empty is not in the file.

    Attributes:
        controls: Ordinary images with wide margins, at most CONTROL_LIMIT.
        honest_flips: How the honest flip rate p0, `profile.flip_rate`, was measured; None when it was assumed.
        sensitivity: How many labels cheap tamperings flip, from which the expected flip rate p1 follows.
        scores: The log-probabilities of every sample; None when only labels were sealed.
        enrolment: Which deployment the labels come from; None when they are those of the owner's model itself.
    """

    controls: tuple[Control, ...] = ()
    honest_flips: FlipCount | None = None
    sensitivity: tuple[TamperingRate, ...] = ()
    scores: ScoreRecord | None = None
    enrolment: Enrolment | None = None

    def check_blocks(self, sample_count: int, class_count: int, flip_rate: float) -> None:
        """Raise ValueError when a block does not fit the rest of the file.

        Args:
            sample_count: Number of samples.
            class_count: Number of classes.
            flip_rate: The honest flip rate p0 that the file states.
        """
        if self.scores is not None:
            self.scores.check_fit(class_count, sample_count, len(self.controls))
        _check_controls(self.controls, class_count)
        _check_sensitivity(self.sensitivity)
        if self.enrolment is not None:
            self.enrolment.check_fit(sample_count, class_count)
        measured = self.honest_flips
        if measured is not None and flip_rate < measured.flips / measured.answers:
            raise ValueError(
                f"honest_flips: {measured.flips} of {measured.answers} answers flipped, which is more than the flip "
                f"rate {flip_rate:g} of the profile"
            )

    @property
    def has_blocks(self) -> bool:
        """Whether any block is there."""
        return any(getattr(self, name) for name in BLOCK_NAMES)

    def record_blocks(self) -> dict[str, Any]:
        """Return the entries of the manifest for the blocks that are there."""
        found = {name: getattr(self, name) for name in BLOCK_NAMES if getattr(self, name)}
        return {name: _write(block) for name, block in found.items()}

    def describe_blocks(self) -> dict[str, str]:
        """Return a line of a summary for each block that is there, by its heading."""
        lines = {}
        if self.controls:
            margins = [control.margin for control in self.controls]
            lines["controls"] = f"{len(margins)} ordinary images, margins {min(margins):.3g} logits or more"
        if (measured := self.honest_flips) is not None:
            lines["p0 from"] = (
                f"{measured.flips} of {measured.answers} answers flipped when served honestly, upper bound at "
                f"{measured.confidence:.0%}"
            )
        if self.sensitivity:
            rates = (f"{rate.tampering} {rate.flipped} of {rate.samples}" for rate in self.sensitivity)
            lines["p1 from"] = f"labels flipped by {', '.join(rates)}"
        if self.scores is not None:
            lines["scores"] = self.scores.describe()
        return lines | ({} if self.enrolment is None else self.enrolment.describe())

    @property
    def control_pictures(self) -> dict[str, Picture]:
        """The pictures of the controls, by name of the member."""
        return {picture_name("controls", index): control.picture for index, control in enumerate(self.controls)}


BLOCK_NAMES = tuple(field.name for field in fields(Blocks))


class ControlNumbers(BaseModel):
    """One control without its picture."""

    model_config = STRICT

    label: int
    margin: float


class BlockEntries(BaseModel):
    """The blocks as the manifest has them."""

    model_config = STRICT

    controls: tuple[ControlNumbers, ...] = ()
    honest_flips: FlipCount | None = None
    sensitivity: tuple[TamperingRate, ...] = ()
    scores: ScoreRecord | None = None
    enrolment: Enrolment | None = None

    def join(self, members: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the blocks by name, the pictures of the controls taken from `members`."""
        controls = tuple(
            Control(picture=Picture(members[name]), **numbers.model_dump())
            for name, numbers in zip(self.control_names, self.controls, strict=True)
        )
        return {name: getattr(self, name) for name in BLOCK_NAMES} | {"controls": controls}

    @property
    def control_names(self) -> list[str]:
        """The members that hold the pictures of the controls."""
        return [picture_name("controls", index) for index in range(len(self.controls))]


def _write(block: Any) -> Any:
    """Return a block as plain JSON; a control without its picture, which is a member of its own."""
    if isinstance(block, tuple):
        return [_write(one) for one in block]
    if isinstance(block, Control):
        return {"label": block.label, "margin": block.margin}
    return asdict(block)


def _check_controls(controls: tuple[Control, ...], class_count: int) -> None:
    if len(controls) > CONTROL_LIMIT:
        raise ValueError(f"a fingerprint carries at most {CONTROL_LIMIT} controls, got {len(controls)}")
    for index, control in enumerate(controls):
        if control.label >= class_count:
            raise ValueError(f"control {index} has label {control.label}, but there are {class_count} class names")


def _check_sensitivity(rates: tuple[TamperingRate, ...]) -> None:
    if len(rates) > TAMPERING_LIMIT:
        raise ValueError(f"sensitivity: a fingerprint names at most {TAMPERING_LIMIT} tamperings, got {len(rates)}")
    twice = _find_repeated(rate.tampering for rate in rates)
    if twice is not None:
        raise ValueError(f"sensitivity: the tampering {twice!r} is there twice")


def _find_repeated(names: Iterable[str]) -> str | None:
    """Return a name that occurs more than once, None when all are different."""
    return next((name for name, count in Counter(names).items() if count > 1), None)
