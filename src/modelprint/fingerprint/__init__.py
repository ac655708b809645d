"""Fingerprint files: one `.mprint` container with samples for integrity or evidence of ownership. Needs no torch."""

from modelprint.fingerprint.integrity import FORMAT, Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample

__all__ = ["FORMAT", "Fingerprint", "Preprocessing", "ProfileRecord", "Provenance", "Release", "Sample"]
