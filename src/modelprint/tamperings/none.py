"""No tampering: the control that must never be called tampered."""

from dataclasses import dataclass

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class Untouched:
    """Return the same network."""

    @property
    def deterministic(self) -> bool:
        """The result is always the same."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return a copy."""
        return Tampered(network=model.copy().network)
