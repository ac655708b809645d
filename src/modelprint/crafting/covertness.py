"""The range of top-1 probability and entropy of natural images, by label: inside it, a sample's scores look natural."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Float64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.margins import entropy
from modelprint.data import DataSet
from modelprint.tensors import Labels, Logits, to_images

NATURAL = 2000
"""Natural images that the band is measured on."""
HEADROOM = 1.02
"""Gaps are this much wider than a tie of the chosen classes alone needs: other classes have some probability too."""
WIDEST = 60.0
"""Widest gap, in logits."""
HALVINGS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """The scores of natural images, label by label.

    Attributes:
        confidence: Lowest and highest top-1 probability of each label.
        entropy: Lowest and highest entropy of each label, in nats.
    """

    confidence: Float64[Tensor, "classes 2"]
    entropy: Float64[Tensor, "classes 2"]

    def contains(self, logits: Logits) -> Bool[Tensor, " n"]:
        """Return which logits are inside the band of their label."""
        labels = logits.argmax(1)
        values = torch.stack([logits.double().softmax(1).amax(1), entropy(logits.double())])
        low, high = torch.stack([self.confidence[labels], self.entropy[labels]]).unbind(2)
        return ((values >= low) & (values <= high)).all(0)


def measure_band(model: Classifier, data: DataSet, percentile: float) -> Band:
    """Return the range from `percentile` to its complement over natural test images, by the label they get.

    A label that no image gets has the range of all.
    """
    logits = model.logits(to_images(data.test.pixels[:NATURAL])).double()
    labels, ranks = logits.argmax(1), torch.tensor([percentile, 100 - percentile], dtype=torch.float64) / 100

    def quantiles_by_label(values: Float64[Tensor, " n"]) -> Float64[Tensor, "classes 2"]:
        kinds = [values[labels == label] for label in range(model.class_count)]
        return torch.stack([torch.quantile(kind if len(kind) else values, ranks) for kind in kinds])

    return Band(confidence=quantiles_by_label(logits.softmax(1).amax(1)), entropy=quantiles_by_label(entropy(logits)))


def smallest_gaps(band: Band, winners: Labels, k: int) -> Float64[Tensor, " n"]:
    """Return the smallest gap between each winner and k - 1 tied others that is inside the band, by bisection."""
    low = torch.zeros(len(winners), dtype=torch.float64)
    high = torch.full_like(low, WIDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        logits = F.pad(middle[:, None], (0, k - 1))
        natural = (logits.softmax(1)[:, 0] >= band.confidence[winners, 0]) & (
            entropy(logits) <= band.entropy[winners, 1]
        )
        low, high = torch.where(natural, low, middle), torch.where(natural, middle, high)
    return high * HEADROOM
