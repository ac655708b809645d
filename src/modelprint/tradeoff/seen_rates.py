"""How often the samples of a fingerprint see suspects, compared with the original in float64."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.covertness import NATURAL
from modelprint.crafting.junction import Precisions
from modelprint.data import DataSet
from modelprint.errors import OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.intervals import exact_interval
from modelprint.tamperings.tampering import Suspect
from modelprint.tensors import Labels, Logits, to_images
from modelprint.tradeoff.bound import largest_changes, most_confident
from modelprint.tradeoff.curve import Point, SeenRate


class SuspectComparison:
    """The original beside its suspects, and how sure the original is of natural images."""

    def __init__(self, model: Classifier, data: DataSet, suspects: Sequence[Suspect]) -> None:
        self.exact = Precisions(model)
        self.suspects = suspects
        natural = model.logits(to_images(data.test.pixels[:NATURAL])).double().softmax(1)
        self.natural, self.labels = natural.max(1)

    def point(self, name: str, fingerprint: Fingerprint) -> Point:
        """Return how often the samples of a fingerprint see each suspect."""
        pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
        logits = self.exact.exact_logits(to_images(pixels, torch.float64))
        confidences, labels = logits.softmax(1).max(1)
        return Point(
            name=name,
            samples=len(pixels),
            confidence=float(confidences.quantile(0.5)),
            natural=float(self._ranks(confidences, labels).quantile(0.5)),
            seen=tuple(_seen_rate(suspect, logits, to_images(pixels)) for suspect in self.suspects),
        )

    def _ranks(self, confidences: Float64[Tensor, " n"], labels: Labels) -> Float64[Tensor, " n"]:
        """Return the percentile of each confidence among natural images of that label, or of all if none has it."""
        same: Int64[Tensor, "n natural"] = (labels[:, None] == self.labels).long()
        same = torch.where(same.any(1, keepdim=True), same, 1)
        lower = same * (self.natural < confidences[:, None])
        return 100 * lower.sum(1).double() / same.sum(1)


def _seen_rate(suspect: Suspect, expected: Logits, images: Tensor) -> SeenRate:
    """Return how often samples see a suspect, given the logits of the original."""
    answers = suspect.classifier.logits(images, batch=1).double()
    if broken := int((~answers.isfinite()).any(1).sum()):
        raise OracleError(
            f"the suspect {suspect.kind} gives logits that are not finite to {broken} of {len(answers)} samples; "
            "leave it out"
        )
    mismatches = int((answers.argmax(1) != expected.argmax(1)).sum())
    low, high = exact_interval(mismatches, len(answers))
    changes = largest_changes(expected, answers)
    moved = answers - expected
    within = expected.softmax(1).amax(1) <= changes.sigmoid()
    return SeenRate(
        kind=suspect.kind,
        mismatches=mismatches,
        rate=mismatches / len(answers),
        low=low,
        high=high,
        logit_rms=float((moved - moved.mean(1, keepdim=True)).pow(2).mean().sqrt()),
        largest=float(changes.max()),
        bound=most_confident(float(changes.max())),
        possible=float(within.double().mean()),
    )
