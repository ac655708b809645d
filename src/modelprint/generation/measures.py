"""What is measured when a file is sealed, besides its samples, and how a report states it.

`Measures` says what to do, `Measured` has what came of it. `by_weights` and `from_labels` do the work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelprint.calibration.flips import Flips
from modelprint.errors import CraftingError
from modelprint.fingerprint.blocks import Control, FlipCount, TamperingRate
from modelprint.fingerprint.container import CONTROL_LIMIT
from modelprint.fingerprint.parts import Release
from modelprint.generation.agreement import Agreement
from modelprint.generation.preprocessing import PREPROCESSING
from modelprint.generation.sensitivity import SMALLEST, Sensitivity, lower_bound
from modelprint.intervals import LEVEL
from modelprint.verification.identification import shared_beta
from modelprint.verification.sequential import SequentialTest

FLIP_RATE = 1e-4
"""Probability p0 that honest serving flips the label of a steady sample, where it was not measured."""

FEWEST_ANSWERS = 100
"""Fewer answers than these bound no flip rate usefully."""

ALPHA, BETA = 1e-3, 1e-2
"""The error rates of a check, by default; how many answers it takes depends on them."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What to measure and to put into the file.

    Attributes:
        ordinary: Ordinary images whose labels by the data are compared with the model's, at most; 0: none.
        controls: Ordinary images with wide margins to put into the file, at most.
        preprocessing: Names in PREPROCESSING under which the model labels the samples too.
        noise_answers: Answers in which honest flips are counted, at least; 0: the rate p0 is assumed.
        tamperings: Whether to try cheap tamperings, from which p1 follows.
        expected_flip_rate: The rate p1 to state; None: as measured, or LARGEST where nothing is measured.
        any_accuracy: Seal a model whose answers do not fit the data.
        weak: Seal a file that sees little of the cheap tamperings.
    """

    ordinary: int = 1000
    controls: int = 8
    preprocessing: tuple[str, ...] = tuple(PREPROCESSING)
    noise_answers: int = 3000
    tamperings: bool = True
    expected_flip_rate: float | None = None
    any_accuracy: bool = False
    weak: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.controls <= CONTROL_LIMIT:
            raise ValueError(f"controls is a number from 0 to {CONTROL_LIMIT}, got {self.controls}")
        if self.noise_answers != 0 and self.noise_answers < FEWEST_ANSWERS:
            raise ValueError(
                f"noise_answers is {FEWEST_ANSWERS} or more, since fewer bound no flip rate usefully, or 0 to assume "
                f"{FLIP_RATE:g}; got {self.noise_answers}"
            )


NOTHING = Measures(ordinary=0, controls=0, preprocessing=(), noise_answers=0, tamperings=False)
"""Seal the samples alone, with assumed rates: for benchmarks that measure rates themselves."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured.

    Attributes:
        agreement: How many ordinary images get the label of the data; None when not measured.
        controls: Ordinary images with wide margins.
        preprocessings: The labels under other preprocessing.
        flips: Honest flips; None when the rate p0 is assumed.
        sensitivity: What cheap tamperings flip.
        given: The rate p1 that was asked for; None when it follows from `sensitivity`.
    """

    agreement: Agreement | None = None
    controls: tuple[Control, ...] = ()
    preprocessings: tuple[Release, ...] = ()
    flips: Flips | None = None
    sensitivity: Sensitivity = Sensitivity()  # noqa: RUF009 - frozen, so one for all is right
    given: float | None = None

    @property
    def flip_rate(self) -> float:
        """The honest flip rate p0 to state."""
        return FLIP_RATE if self.flips is None else self.flips.bound

    @property
    def expected_flip_rate(self) -> float:
        """The flip rate p1 to state."""
        return self.sensitivity.expected_flip_rate if self.given is None else self.given

    def blocks(self) -> dict[str, Any]:
        """Return the optional blocks of the file."""
        found = self.flips
        flips = None if found is None else FlipCount(answers=found.answers, flips=found.flips, confidence=LEVEL)
        return {"controls": self.controls, "honest_flips": flips, "sensitivity": self.sensitivity.rates}

    def notes(self) -> dict[str, str]:
        """Return what the provenance says about the rates."""
        notes = {f"not tried: {name}": reason for name, reason in self.sensitivity.absent.items()}
        if self.given is not None:
            notes["expected_flip_rate"] = "given by the owner, not measured"
        return notes

    def check(self, weak: bool) -> None:
        """Refuse a file that cannot be checked.

        Raises:
            CraftingError: Honest serving flips as many labels as tampering, or the file is weak and `weak` is False.
        """
        weakest = self.sensitivity.weakest
        if self.given is None and self.sensitivity.is_weak and weakest is not None and not weak:
            raise CraftingError(
                f"the samples see too little: {weakest.tampering} flips {weakest.flipped} of {weakest.samples} labels, "
                f"at least {lower_bound(weakest):.3g} of them at {LEVEL:.0%} confidence, and a useful file sees "
                f"{SMALLEST:g} of each cheap tampering; choose a milder profile or another method, or seal it with "
                f"--weak: it then claims {SMALLEST:g} and takes {_count_answers(self.flip_rate, SMALLEST)} answers for "
                "a verdict intact"
            )
        if self.flips is not None and self.flips.bound >= self.expected_flip_rate:
            raise CraftingError(
                f"{self.flips.flips} of {self.flips.answers} answers flipped when served honestly, which may be "
                f"{self.flips.bound:.3g} of them; tampering that flips {self.expected_flip_rate:.3g} cannot be "
                "distinguished from that; raise the margins (--multiple) or count more answers (--noise-answers)"
            )


@dataclass(frozen=True, kw_only=True)
class SealedRates:
    """What a report says about the rates of a file and about what else is in it.

    Attributes:
        agreement: How many ordinary images get the label of the data; None when not measured.
        controls: Ordinary images with wide margins in the file.
        preprocessings: Names of other preprocessing whose labels are in the file.
        flip_rate: The honest flip rate p0.
        flips: How it was measured; None when it is assumed.
        expected_flip_rate: The flip rate p1 of the weakest tampering that the file claims to see.
        given: Whether the owner gave that rate.
        sensitivity: How many labels cheap tamperings flip.
        untried: Tamperings that could not be tried, and why.
        samples: Samples in the file.
        needed: Answers that a verdict intact takes at the default error rates when all of them match.
        needed_for_release: The same for naming one of the releases; None without releases.
    """

    agreement: Agreement | None
    controls: int
    preprocessings: tuple[str, ...]
    flip_rate: float
    flips: Flips | None
    expected_flip_rate: float
    given: bool
    sensitivity: tuple[TamperingRate, ...]
    untried: Mapping[str, str] = field(default_factory=dict)
    samples: int
    needed: int
    needed_for_release: int | None

    def lines(self) -> dict[str, str]:
        """Return the lines of a report, by heading."""
        lines = {}
        if self.agreement is not None:
            lines["accuracy"] = f"{self.agreement} get the label of the data"
        if self.controls:
            lines["controls"] = f"{self.controls} ordinary images with wide margins"
        if self.preprocessings:
            lines["explains"] = f"other preprocessing: {', '.join(self.preprocessings)}"
        lines["p0"] = f"{self.flip_rate:.3g}, {self._explain_p0()}"
        lines["p1"] = f"{self.expected_flip_rate:.3g}, {self._explain_p1()}"
        if self.untried:
            lines["not tried"] = "; ".join(f"{name} ({reason})" for name, reason in self.untried.items())
        lines["intact takes"] = f"{self.needed} matching answers of {self.samples}"
        return lines

    def _explain_p0(self) -> str:
        if self.flips is None:
            return "assumed, not measured"
        return f"the upper bound at {LEVEL:.0%} of {self.flips.flips} flips in {self.flips.answers} honest answers"

    def _explain_p1(self) -> str:
        tried = ", ".join(f"{rate.tampering} flips {rate.flipped} of {rate.samples}" for rate in self.sensitivity)
        if self.given:
            return "as given" + (f"; measured: {tried}" if tried else "")
        return tried or "assumed, no tampering was tried"

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each verdict that takes more answers than there are samples."""
        few = f"warning: there are {self.samples} samples, but"
        found = []
        if self.samples < self.needed:
            found.append(f"{few} a verdict intact takes {self.needed} matching answers; seal at least as many")
        if self.needed_for_release is not None and self.samples < self.needed_for_release:
            found.append(f"{few} naming a release takes {self.needed_for_release} matching answers; seal more")
        return tuple(found)


def summarise(measured: Measured, samples: int, releases: int) -> SealedRates:
    """Return what a report says about a file of so many samples and releases that are other models."""
    rates = (measured.flip_rate, measured.expected_flip_rate)
    return SealedRates(
        agreement=measured.agreement,
        controls=len(measured.controls),
        preprocessings=tuple(one.preprocessing for one in measured.preprocessings if one.preprocessing is not None),
        flip_rate=measured.flip_rate,
        flips=measured.flips,
        expected_flip_rate=measured.expected_flip_rate,
        given=measured.given is not None,
        sensitivity=measured.sensitivity.rates,
        untried=measured.sensitivity.absent,
        samples=samples,
        needed=_count_answers(*rates, beta=shared_beta(BETA, 0)),
        needed_for_release=_count_answers(*rates, beta=shared_beta(BETA, releases)) if releases else None,
    )


def _count_answers(p0: float, p1: float, beta: float = BETA) -> int:
    """Return how many answers a verdict intact takes when all of them match."""
    return SequentialTest(alpha=ALPHA, beta=beta, p0=p0, p1=p1).answers_for_intact
