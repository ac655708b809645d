"""Verification: ask an oracle about the samples of a fingerprint, and state a verdict. Needs no torch."""

from modelprint.verification.sequential import SequentialTest
from modelprint.verification.tally import find_permutation
from modelprint.verification.verdict import Observed, Outcome, Verdict
from modelprint.verification.verifier import replay, verify

__all__ = ["Observed", "Outcome", "SequentialTest", "Verdict", "find_permutation", "replay", "verify"]
