"""Generation: craft samples of a classifier, or of an endpoint, and seal them in a fingerprint."""

from modelprint.generation.from_weights import generate
from modelprint.generation.report import GenerationReport

__all__ = ["GenerationReport", "generate"]
