"""The bound of covertness: how sure of its label a sample can be that sees a change of the logits."""

import math

from jaxtyping import Float64
from torch import Tensor

from modelprint.tensors import Logits


def most_confident(change: float) -> float:
    """Return sigmoid(change), the highest top-1 probability at which two classifiers can disagree about a label.

    Proof. Let f and g be their logits, a the label of the first and b another one, that of the second: g_a <= g_b, so
    f_a - f_b <= g_a - g_b + change <= change. The top-1 probability of the first, 1 / (1 + the sum of exp(f_j - f_a)
    over all j but a), is at most its value with j = b alone, sigmoid(f_a - f_b), so at most sigmoid(change).

    It is reached where one class leads another by `change` with all others far below, and the second classifier ties.
    Everything holds for the top-1 probability of the second too, since the two can be exchanged.

    Args:
        change: The most that any difference of two logits differs between the classifiers, at least 0. What all logits
            have in common cancels in it; where every logit differs by at most d, it is at most 2 d.
    """
    if change < 0:
        raise ValueError(f"a largest change cannot be negative, got {change}")
    return 1 / (1 + math.exp(-change))


def largest_changes(before: Logits, after: Logits) -> Float64[Tensor, " n"]:
    """Return for each image how much the difference of two logits changes, for the two where that is most."""
    change = after.double() - before.double()
    return change.amax(1) - change.amin(1)
