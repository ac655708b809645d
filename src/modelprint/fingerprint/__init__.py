"""Fingerprint files: one `.mprint` container with samples for integrity or evidence of ownership. Needs no torch."""

from modelprint.fingerprint.blocks import Control, FlipCount, TamperingRate
from modelprint.fingerprint.integrity import FORMAT, Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample
from modelprint.fingerprint.scores import ExpectedScores, ScoreRecord

__all__ = [
    "FORMAT",
    "Control",
    "ExpectedScores",
    "Fingerprint",
    "FlipCount",
    "Preprocessing",
    "ProfileRecord",
    "Provenance",
    "Release",
    "Sample",
    "ScoreRecord",
    "TamperingRate",
]
