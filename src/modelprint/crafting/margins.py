"""Margins and entropies of logits, and their range over natural images."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float, Shaped
from torch import Tensor

from modelprint.errors import CraftingError
from modelprint.tensors import Logits


def margin(logits: Shaped[Tensor, "*batch classes"], labels: Shaped[Tensor, " n"]) -> Shaped[Tensor, "*batch"]:
    """Return the logit of each label minus the largest other logit; positive where the label is the answer.

    Args:
        logits: Any leading axes, the last two being images and classes.
        labels: One class per image.
    """
    index = labels.expand(logits.shape[:-1]).unsqueeze(-1)
    own = logits.gather(-1, index).squeeze(-1)
    return own - logits.scatter(-1, index, -torch.inf).amax(-1)


def entropy(logits: Shaped[Tensor, "*batch classes"]) -> Shaped[Tensor, "*batch"]:
    """Return the entropy of the softmax of `logits`, in nats."""
    log_p = F.log_softmax(logits, -1)
    return -(log_p.exp() * log_p).sum(-1)


def top_two_gap(logits: Logits) -> Float[Tensor, " n"]:
    """Return the largest minus the second largest logit."""
    top = logits.topk(2, dim=1).values
    return top[:, 0] - top[:, 1]


def entropy_band(
    logits: Logits, percentiles: tuple[float, ...], class_count: int
) -> tuple[Float[Tensor, " classes"], Float[Tensor, " classes"]]:
    """Return the range of entropies of natural images, label by label (MiSentry section 4, [alpha, beta]).

    Args:
        logits: Of natural images.
        percentiles: Two of them, 0..100, e.g. (10, 90).
        class_count: Number of classes; one that no image gets has the range of all images.
    """
    if len(percentiles) != 2 or not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise CraftingError(f"band is two percentiles in rising order, e.g. 10,90; got {percentiles}")
    ranks = torch.tensor(percentiles, dtype=torch.float64) / 100
    entropies, labels = entropy(logits).double(), logits.argmax(1)
    everywhere = torch.quantile(entropies, ranks)
    bands = [
        torch.quantile(entropies[labels == c], ranks) if (labels == c).any() else everywhere for c in range(class_count)
    ]
    low, high = torch.stack(bands).float().unbind(1)
    return low, high
