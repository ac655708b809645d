"""The parts of a fingerprint: plain records that check their own numbers. Needs no torch."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from modelprint.pixels import MODES, SIDE_LIMIT, Picture

SHA256 = re.compile(r"[0-9a-f]{64}")
UNKNOWN_MODEL = "0" * 64
"""Stands for the digest of a model of which only the answers were available."""
EXACT_INTEGER = 2**53 - 1
"""Largest whole number that JSON carries exactly between languages."""
PROTECTED = "the protected model"
"""What the model that the samples were made for is called among releases; no release may be called so."""
NAME_LENGTH = 100
"""Longest name of a release, in characters."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One crafted image and the answer of the owner's model.

    Attributes:
        picture: The image as it travels.
        label: Class the owner's model gives it.
        margin: Top-1 minus top-2 logit in float64.
        confidence: Softmax probability of the top class.
        source: The natural image it was crafted from, when the owner shows it.
        source_label: Class the owner's model gives that natural image; None when the file does not say.
    """

    picture: Picture
    label: int
    margin: float
    confidence: float
    source: Picture | None = None
    source_label: int | None = None

    def __post_init__(self) -> None:
        if self.label < 0:
            raise ValueError(f"a label is a class index and cannot be negative, got {self.label}")
        if self.source_label is not None and self.source_label < 0:
            raise ValueError(f"a source_label is a class index and cannot be negative, got {self.source_label}")
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise ValueError(f"a margin is a finite difference of logits, at least 0, got {self.margin}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"a confidence is a probability, got {self.confidence}")


SMALLEST_FLIP_RATE = 1e-9
"""Smallest honest flip rate that makes a test; below it, one answer that differs decides everything."""


@dataclass(frozen=True, kw_only=True)
class ProfileRecord:
    """Which honest differences between servers the samples were measured to survive.

    Attributes:
        name: Name of the serving profile, e.g. "fp32".
        floor: 99.9th percentile, over all variants, of the shift of top-1 minus top-2, in logits.
        multiple: Every margin is at least this many times the floor.
        flip_rate: Probability p0, per sample, that honest serving flips its label nevertheless.
        variants: The same percentile for each way of serving that was measured.
    """

    name: str
    floor: float
    multiple: float = 3.0
    flip_rate: float = 1e-4
    variants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shifts = {"floor": self.floor, "multiple": self.multiple, **self.variants}
        for name, shift in shifts.items():
            if not (math.isfinite(shift) and shift >= 0):
                raise ValueError(f"profile {self.name}: {name} is a finite number, at least 0, got {shift}")
        if not SMALLEST_FLIP_RATE <= self.flip_rate < 1:
            raise ValueError(
                f"profile {self.name}: flip_rate is a probability from {SMALLEST_FLIP_RATE:g} to 1, got "
                f"{self.flip_rate}; no measurement shows that labels flip less often"
            )


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The contract between a picture and the model that is asked about it.

    Attributes:
        channels: 1 or 3.
        height: In pixels, of every sample.
        width: In pixels, of every sample.
        colour: Colour order of the channels.
        layout: Order of the axes of the model's input.
        value_range: What grey levels 0 and 255 become at the model's input.
        note: What else a server has to know.
        mean: Subtracted from the input, channel by channel, before the model gets it; None when the model normalises
            its input itself, or does not need it.
        std: What the difference is divided by; None with no `mean`.
    """

    channels: int
    height: int
    width: int
    colour: Literal["RGB", "L"]
    layout: str = "n c h w"
    value_range: tuple[float, float] = (0.0, 1.0)
    note: str = "normalisation inside the model"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if MODES.get(self.colour) != self.channels:
            raise ValueError(f"colour {self.colour!r} does not go with {self.channels} channels")
        if not (1 <= self.height <= SIDE_LIMIT and 1 <= self.width <= SIDE_LIMIT):
            raise ValueError(f"a picture is 1 to {SIDE_LIMIT} pixels wide and high, got {self.width} x {self.height}")
        if not all(map(math.isfinite, self.value_range)):
            raise ValueError(f"value_range is two finite numbers, got {self.value_range}")
        if (self.mean is None) != (self.std is None):
            raise ValueError("preprocessing has both mean and std, or neither")
        if self.mean is not None and self.std is not None:
            check_normalisation(self.mean, self.std, self.channels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.channels, self.height, self.width


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How the samples were made: enough to make them again.

    Attributes:
        method: Name of the method that crafted them.
        settings: Its settings: anything that JSON can hold.
        seed: Seed of every random number.
        network: Name of the protected network.
        model_sha256: SHA-256 of the protected model, or UNKNOWN_MODEL; its samples then have margin and confidence 0.
        data: Name of the data the method started from.
        data_sha256: SHA-256 of these data.
        created: When, ISO 8601 in UTC, e.g. "2026-01-31T12:00:00Z".
        version: Version of modelprint.
        crafted: How many samples the method crafted.
        lost_rounding: How many of them were lost when rounded to 8 bits.
        lost_steadiness: How many of them were lost because their margin was within reach of honest noise.
        notes: Anything else worth knowing, by name.
    """

    method: str
    settings: Mapping[str, Any]
    seed: int
    network: str
    model_sha256: str
    data: str
    data_sha256: str
    created: str
    version: str
    crafted: int
    lost_rounding: int
    lost_steadiness: int
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("model_sha256", "data_sha256"):
            if not SHA256.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} is 64 hexadecimal digits, got {getattr(self, name)!r}")
        for name in ("seed", "crafted", "lost_rounding", "lost_steadiness"):
            if not 0 <= getattr(self, name) <= EXACT_INTEGER:
                raise ValueError(f"{name} is a whole number from 0 to 2**53 - 1, got {getattr(self, name)}")
        if self.lost_rounding + self.lost_steadiness > self.crafted:
            lost = self.lost_rounding + self.lost_steadiness
            raise ValueError(f"{lost} samples were lost, but only {self.crafted} were crafted")
        check_time("created", self.created)


@dataclass(frozen=True, kw_only=True)
class Release:
    """Other labels that the samples get: from an older release, in another precision, or of other preprocessing.

    Attributes:
        name: What a verdict calls it, e.g. "1.4" or "1.4 (int8)".
        labels: The class it gives each sample; None where serving it honestly may change that.
        precision: What it is computed in, e.g. "int8", where that is what sets it apart.
        model_sha256: SHA-256 of its weights, where they are known.
        preprocessing: Name of the preprocessing under which the protected model gives these labels, e.g. "bgr"; None
            for the labels of another model.
    """

    name: str
    labels: tuple[int | None, ...]
    precision: str | None = None
    model_sha256: str | None = None
    preprocessing: str | None = None

    def __post_init__(self) -> None:
        for kind in ("name", "precision", "preprocessing"):
            if (text := getattr(self, kind)) is not None:
                check_name(f"{kind} of a release", text)
        if self.name == PROTECTED:
            raise ValueError(f"a release cannot be called {PROTECTED!r}: that is what the others are compared with")
        if self.model_sha256 is not None and not SHA256.fullmatch(self.model_sha256):
            raise ValueError(f"model_sha256 of release {self.name} is 64 hexadecimal digits, got {self.model_sha256!r}")
        known = [label for label in self.labels if label is not None]
        if not known:
            raise ValueError(f"release {self.name} has no label that is sure, so nothing can be compared with it")
        if min(known) < 0:
            raise ValueError(f"release {self.name} has label {min(known)}; a label is a class index")


def check_normalisation(mean: Sequence[float], std: Sequence[float], channels: int) -> None:
    """Raise ValueError when `mean` and `std` are not one finite number for each channel, or a `std` is not positive."""
    if len(mean) != channels or len(std) != channels:
        raise ValueError(
            f"mean and std have one number for each of {channels} channels, got {len(mean)} and {len(std)}"
        )
    if not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        raise ValueError(f"mean and std are finite numbers and std is positive, got {tuple(mean)} and {tuple(std)}")


def check_name(kind: str, text: str) -> None:
    """Raise ValueError when `text`, the name of a `kind`, is empty, too long, or cannot be printed on a line."""
    if not (1 <= len(text) <= NAME_LENGTH and text.isprintable() and text == text.strip()):
        raise ValueError(
            f"the {kind} is 1 to {NAME_LENGTH} printable characters with no space at either end, "
            f"got {ascii(text)[: NAME_LENGTH + 2]}"
        )


def check_time(name: str, text: str) -> None:
    """Raise ValueError when `text` is not a time in UTC."""
    if _utc_offset(text) != timedelta(0):
        raise ValueError(f"{name} is a time in UTC such as 2026-01-31T12:00:00Z, got {text!r}")


def _utc_offset(text: str) -> timedelta | None:
    """Return how far from UTC a time is; None when it is not a time or does not say."""
    try:
        return datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return None
