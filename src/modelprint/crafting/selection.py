"""Orders in which the samples of a pool are asked, so that a short prefix detects as much as possible.

Source: Z. He, T. Zhang and R. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019: samples are
chosen by maximum active-neuron cover (MANC): again and again the one that activates most units not yet activated.

Departures: the published code counts the inputs of the last layer and keeps the chosen samples as a set. Here all
rectified units are an option, since the last layer of a small network is active nearly everywhere, and the order is
kept, so that every prefix is a selection of its own. Ties go to the lowest index. `greedy_order` is ours: the same
cover, of the models of a zoo instead of units. `portfolio_order` is ours too: multiplicative weights, which find the
mixture that detects the worst-detected kind of model best (Y. Freund and R. E. Schapire, "Adaptive game playing using
multiplicative weights", 1999).
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Bool, Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from modelprint.classifier import Classifier
from modelprint.errors import CraftingError
from modelprint.tensors import Images, Labels

PORTFOLIO_RATE = 0.1
"""Part of its weight that a model loses each time it is detected; small: the whole file counts, large: its start."""

RECTIFIERS = {F.relu, F.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
"""Functions whose outputs are units: everything that cuts off at zero."""


def manc_order(active: Bool[Tensor, "samples units"], count: int) -> list[int]:
    """Return `count` samples, each the one that activates most of the units none before it activates.

    Args:
        active: Which units each sample activates; see `find_active_units`.
        count: How many samples. Once every unit is covered the rest follow by index.
    """
    if not 0 <= count <= len(active):
        raise ValueError(f"count is 0 to {len(active)}, the number of samples, got {count}")
    units = active.to(torch.float32)  # a matrix product of booleans does not exist; counts below 2**24 are exact
    uncovered = torch.ones(active.shape[1])
    free = torch.ones(len(active), dtype=torch.bool)
    order: list[int] = []
    for _ in range(count):
        gain = (units @ uncovered).masked_fill(~free, -1)
        best = int(gain.argmax())
        order.append(best)
        free[best] = False
        uncovered[active[best]] = 0
    return order


def greedy_order(
    mismatch: Bool[Tensor, "models samples"], margins: Float[Tensor, " samples"], labels: Labels | None = None
) -> list[int]:
    """Return all samples, each the one that detects most of the models not yet detected.

    Ties go to the smallest margin, then to the label chosen least so far, then to the lowest index. When no sample is
    left that detects an undetected model, all models count as undetected again: the next samples detect each of them
    a second time.

    Args:
        mismatch: Whether each model of a zoo gives each sample another label. Rates are measured on other models.
        margins: Of the protected model.
        labels: Of the samples, to spread labels evenly.
    """
    samples = mismatch.shape[1]
    if len(margins) != samples or (labels is not None and len(labels) != samples):
        raise ValueError(f"there are {samples} samples, but {len(margins)} margins or another number of labels")
    classes = [0] * samples if labels is None else labels.tolist()
    undetected = torch.ones(len(mismatch), dtype=torch.bool)
    free = set(range(samples))
    chosen: Counter[int] = Counter()
    order: list[int] = []
    while free:
        gain = mismatch[undetected].sum(0)
        if not undetected.all() and not gain[sorted(free)].any():
            undetected[:] = True
            gain = mismatch.sum(0)
        best = min(free, key=lambda i: (-int(gain[i]), float(margins[i]), chosen[classes[i]], i))
        order.append(best)
        free.remove(best)
        chosen[classes[best]] += 1
        undetected &= ~mismatch[:, best]
    return order


def portfolio_order(
    mismatch: Bool[Tensor, "models samples"], families: Sequence[Sequence[int]], labels: Labels, count: int
) -> list[int]:
    """Return `count` samples, chosen so that the family that is detected worst is detected as well as possible.

    Every model starts with a weight, all families together with the same, and loses a part of it each time that a
    chosen sample detects it. The next sample is the one that detects most weight, among those whose label is not used
    more often than its share. Ties go to the label chosen least so far, then to the lowest index.

    Args:
        mismatch: Whether each model gives each sample another label. Rates are measured on other models.
        families: For each family, its models.
        labels: Of the samples.
        count: How many samples.
    """
    samples = mismatch.shape[1]
    if not 0 <= count <= samples:
        raise ValueError(f"count is 0 to {samples}, the number of samples, got {count}")
    weights = torch.zeros(len(mismatch), dtype=torch.float64)
    for family in families:
        weights[list(family)] = 1 / len(family)
    seen, classes = mismatch.double(), labels.tolist()
    share = math.ceil(count / len(set(classes))) if classes else 0
    chosen: Counter[int] = Counter()
    order: list[int] = []
    for _ in range(count):
        worth = (weights @ seen).tolist()
        free = set(range(samples)).difference(order)
        best = min(free, key=lambda i: (chosen[classes[i]] >= share, -worth[i], chosen[classes[i]], i))
        order.append(best)
        chosen[classes[best]] += 1
        weights *= 1 - PORTFOLIO_RATE * seen[:, best]
        weights /= weights.max()
    return order


def find_active_units(
    model: Classifier, images: Images, where: Literal["last", "all"] = "last"
) -> Bool[Tensor, "n units"]:
    """Return which units each image activates, a unit being active above zero.

    Args:
        model: The protected model.
        images: In [0, 1].
        where: "last": inputs of the last linear layer. "all": outputs of every ReLU; a channel of a convolution is one
            unit and active when it is anywhere.

    Raises:
        LoadingError: "last" of a network that does not end in a linear layer.
        CraftingError: "all" of a network without ReLUs.
    """
    if where == "last":
        return model.features(images) > 0
    if where != "all":
        raise ValueError(f"where is last or all, got {where!r}")
    return torch.cat([_find_active_rectifiers(model, chunk) for chunk in images.split(model.batch)])


def _find_active_rectifiers(model: Classifier, images: Images) -> Bool[Tensor, "n units"]:
    with _RectifierWatch() as rectified:
        model.logits(images, batch=len(images))
    if not rectified.active:
        raise CraftingError(f"{model.name} has no ReLU, so no units are counted; select by the last layer instead")
    return torch.cat(rectified.active, dim=1)


class _RectifierWatch(TorchFunctionMode):
    """Records which units are active at every ReLU that runs inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[Tensor] = []

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `function`, and record its output when it rectifies."""
        output = function(*arguments, **(named or {}))
        if function in RECTIFIERS:
            self.active.append((output > 0).flatten(2).any(2) if output.ndim > 2 else output > 0)
        return output
