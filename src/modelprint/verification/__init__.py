"""Verification: ask an oracle about the samples of a fingerprint, and state a verdict. Needs no torch."""

from modelprint.verification.sequential import SequentialTest
from modelprint.verification.verdict import Observed, Outcome, Verdict
from modelprint.verification.verifier import permutation, replay, verify

__all__ = ["Observed", "Outcome", "SequentialTest", "Verdict", "permutation", "replay", "verify"]
