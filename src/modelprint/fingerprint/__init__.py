"""Fingerprint files: one `.mprint` container with samples for integrity or evidence of ownership. Needs no torch."""

from modelprint.fingerprint.blocks import Control, FlipCount, TamperingRate
from modelprint.fingerprint.integrity import FORMAT, Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample

__all__ = [
    "FORMAT",
    "Control",
    "Fingerprint",
    "FlipCount",
    "Preprocessing",
    "ProfileRecord",
    "Provenance",
    "Release",
    "Sample",
    "TamperingRate",
]
