"""Generation: from a classifier, or an endpoint, to a sealed fingerprint."""

from modelprint.generation.from_weights import generate
from modelprint.generation.report import GenerationReport

__all__ = ["GenerationReport", "generate"]
