"""A verdict of each outcome, reached by asking."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer
from modelprint.pixels import Picture
from modelprint.verification.verdict import Verdict
from modelprint.verification.verifier import verify

FINGERPRINT = Fingerprint.load(Path(__file__).parents[2] / "golden" / "format-1.mprint")
HOSTILE = "</testcase>| <script> \x1b[31m\x00 ]]> ﷐ \ud800 **bold**"


@dataclass
class Shifted:
    """Answers each sample with its label, shifted by a number of classes that is listed; None gives no answer."""

    shifts: list[int | None]

    def ask(self, picture: Picture) -> Answer:
        """Answer the next one."""
        shift = self.shifts.pop(0) if self.shifts else None
        sample = next(one for one in FINGERPRINT.samples if one.picture.sha256 == picture.sha256)
        if shift is None:
            return Answer(label=None, problem=HOSTILE)
        return Answer(label=(sample.label + shift) % 3)

    def describe(self) -> dict[str, str]:
        """Name a place."""
        return {"kind": "http", "url": "https://api.example.org/<b>"}


@pytest.fixture
def make_verdict() -> Callable[[str], Verdict]:
    """Return a function from the name of an outcome to such a verdict."""
    shifts: dict[str, list[int | None]] = {"intact": [0] * 5, "tampered": [1, 2, 1, 2, 1], "inconclusive": [None] * 5}

    def make(outcome: str) -> Verdict:
        verdict = verify(Shifted(list(shifts[outcome])), FINGERPRINT, beta=0.3)
        assert verdict.outcome == outcome
        return replace(verdict, reasons=(*verdict.reasons, HOSTILE))

    return make
