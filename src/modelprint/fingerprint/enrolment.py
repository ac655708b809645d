"""The enrolment of a fingerprint: which deployment its labels come from, and how it was asked. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.parts import EXACT_INTEGER, NAME_LENGTH, SHA256, check_time

DEPLOYMENT_LIMIT = 64
HISTORY_LIMIT = 1000
TEXT_LIMIT = 300
"""Longest text about a deployment, in characters."""
SENSITIVE = 0.5
"""Local flip rate from which on a sample is called sensitive."""
HINT_LIMIT = 32
"""Most hints of one deployment, and most values of one hint."""


@dataclass(frozen=True, kw_only=True)
class EnrolledDeployment:
    """A deployment that was enrolled, as it was described and as it describes itself.

    Attributes:
        description: What was asked, without secrets.
        hints: What its replies said about the server, with every value seen.
    """

    description: Mapping[str, str]
    hints: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class EnrolledSample:
    """How one sample came to be enrolled.

    Attributes:
        origin: Index of the sample it was, in the file that the enrolment started from.
        released_label: Label that the owner's model gave the sample as it was released.
        moved: Pixel values that were moved since, by one grey level each; 0 when it is still the released picture.
        flip_rate: Share of its neighbours, random changes of a few grey levels, with another label; None: not measured.
    """

    origin: int
    released_label: int
    moved: int
    flip_rate: float | None

    def __post_init__(self) -> None:
        for name, most in {"origin": SAMPLE_LIMIT - 1, "released_label": EXACT_INTEGER, "moved": EXACT_INTEGER}.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"enrolment: {name} is a whole number from 0 to {most}, got {getattr(self, name)}")
        if self.flip_rate is not None and not 0 <= self.flip_rate <= 1:
            raise ValueError(f"enrolment: a flip_rate is a share from 0 to 1, got {self.flip_rate}")


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """Which deployment the labels of a fingerprint come from, and how it was asked.

    How many answers were compared and how many of them flipped is `Fingerprint.honest_flips`.

    Attributes:
        deployments: What was asked; all of them gave every sample its label.
        enrolled: When, ISO 8601 in UTC, e.g. "2026-01-31T12:00:00Z".
        version: Version of modelprint.
        questions: How many were asked in all.
        repeats: How often each sample was asked about, of each deployment.
        variation: The ways in which.
        walks: Walks over the last grey levels from each sample.
        seed: Seed of every random number.
        precision: What the deployment computes in, where that was stated.
        natural: Natural images that were asked about first; 0 when that was left out.
        agreed: How many of them got the label of the release.
        kept: How many samples, before any was moved, got the label that they had been sealed with.
        made_from: Digest of the fingerprint that the enrolment started from.
        history: Digests of enrolled fingerprints before that one, the oldest first.
        samples: One for each sample.
    """

    deployments: tuple[EnrolledDeployment, ...]
    enrolled: str
    version: str
    questions: int
    repeats: int
    variation: tuple[str, ...]
    walks: int
    seed: int
    precision: str | None
    natural: int
    agreed: int
    kept: int
    made_from: str
    history: tuple[str, ...]
    samples: tuple[EnrolledSample, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.deployments) <= DEPLOYMENT_LIMIT:
            raise ValueError(f"enrolment: there are 1 to {DEPLOYMENT_LIMIT} deployments, got {len(self.deployments)}")
        check_time("enrolment: enrolled", self.enrolled)
        for name in ("questions", "repeats", "walks", "seed", "natural", "agreed", "kept"):
            if not 0 <= getattr(self, name) <= EXACT_INTEGER:
                raise ValueError(f"enrolment: {name} is a whole number from 0 to 2**53 - 1, got {getattr(self, name)}")
        if self.agreed > self.natural:
            raise ValueError(
                f"enrolment: {self.agreed} natural images agreed, but only {self.natural} were asked about"
            )
        if self.precision is not None and not 1 <= len(self.precision) <= NAME_LENGTH:
            raise ValueError(f"enrolment: a precision has 1 to {NAME_LENGTH} characters")
        if len(self.history) > HISTORY_LIMIT:
            raise ValueError(f"enrolment: the history has at most {HISTORY_LIMIT} digests, got {len(self.history)}")
        for digest in (self.made_from, *self.history):
            if not SHA256.fullmatch(digest):
                raise ValueError(f"enrolment: a digest is 64 hexadecimal digits, got {ascii(digest)[:80]}")

    def check_fit(self, sample_count: int, class_count: int) -> None:
        """Raise ValueError when it is not about so many samples and classes."""
        if len(self.samples) != sample_count:
            raise ValueError(f"enrolment: it is about {len(self.samples)} samples, but there are {sample_count}")
        largest = max(sample.released_label for sample in self.samples)
        if largest >= class_count:
            raise ValueError(f"enrolment: released_label is {largest}, but there are {class_count} class names")

    @property
    def moved(self) -> int:
        """How many samples were moved."""
        return sum(sample.moved > 0 for sample in self.samples)

    @property
    def flip_rates(self) -> list[float]:
        """The local flip rates that were measured, smallest first."""
        return sorted(sample.flip_rate for sample in self.samples if sample.flip_rate is not None)

    def describe(self) -> dict[str, str]:
        """Return the lines of a summary, by heading."""
        asked = [", ".join(f"{name} {value}" for name, value in one.description.items()) for one in self.deployments]
        hints = sorted({f"{name} {', '.join(seen)}" for one in self.deployments for name, seen in one.hints.items()})
        rates, count = self.flip_rates, len(self.samples)
        changed = sum(rate >= SENSITIVE for rate in rates)
        lines = {
            "enrolled on": "; ".join(asked),
            "server": "; ".join(hints) or "says nothing about itself",
            "enrolled": f"{self.enrolled}, {self.questions} questions, each sample {self.repeats} times, precision "
            f"{self.precision or 'not stated'}",
            "release": f"{self.agreed} of {self.natural} natural images agreed"
            if self.natural
            else "not checked when it was enrolled",
            "labels": f"{self.kept} samples had the label they were sealed with; {self.moved} of {count} were moved",
            "sees": f"random changes of a few grey levels flip a median of {rates[len(rates) // 2]:.0%} of the labels; "
            f"{changed} of {count} samples flip for half of them or more"
            if rates
            else "local flip rates were not measured; enrol with --walks",
            "made from": " < ".join(digest[:16] for digest in (self.made_from, *reversed(self.history))),
        }
        return lines
