"""Winners: which of the classes that tie leads at each sample, and so is the label that the file expects.

Source: ours.

The class that the source shows is a bad choice. A network that was trained from scratch, or has another architecture,
knows nothing of the tie: it gives the sample the natural label of its source, which is then no mismatch.
"""

import math
from collections import Counter

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from modelprint.streams import stream
from modelprint.tensors import Labels


def choose_winners(
    classes: Int64[Tensor, "n k"],
    shown: Labels,
    junctions: Int64[Tensor, " n"],
    worth: Float64[Tensor, "n k"],
    *,
    class_count: int,
    seed: int,
) -> Labels:
    """Choose one of the tied classes for each sample: not what its source shows, and every class about as often.

    The class that the source shows is chosen only where no other one is left. Samples of one junction have different
    winners.

    Args:
        classes: Those that tie, all different.
        shown: Label of the source of each sample.
        junctions: Number of the junction of each sample; none has more samples than classes.
        worth: Of each class, the larger the better; all equal where nothing is known.
        class_count: Classes of the network.
        seed: Of the order of the classes.
    """
    turns = _Turns(class_count, share=math.ceil(len(classes) / class_count), seed=seed)
    taken: set[tuple[int, int]] = set()
    winners = []
    for members, own, junction, values in zip(
        classes.tolist(), shown.tolist(), junctions.tolist(), worth.tolist(), strict=True
    ):
        value = {label: one for label, one in zip(members, values, strict=True) if (junction, label) not in taken}
        winner = turns.take([label for label in value if label != own] or list(value), own, value)
        taken.add((junction, winner))
        winners.append(winner)
    return torch.tensor(winners, dtype=torch.int64)


class _Turns:
    """How often each class has won, and after sources that show which class."""

    def __init__(self, class_count: int, *, share: int, seed: int) -> None:
        self._share = share
        self._used: Counter[int] = Counter()
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._place = torch.randperm(class_count, generator=stream(seed, "winners")).tolist()

    def take(self, labels: list[int], own: int, value: dict[int, float]) -> int:
        """Return the one of `labels` whose turn it is after a source that shows `own`.

        Until a class has had its share, its value decides. Equal ones come in the order of how seldom they have won
        after this source's class, so that winners do not depend on what sources show, and how seldom at all. The rest
        is decided on a circle of all classes, which each source's class enters at another place: were it the same
        place, two orders of classes might march in step.
        """

        def rank(label: int) -> tuple[int, float, int, int, int]:
            excess = max(self._used[label] - self._share + 1, 0)
            way = (self._place[label] - self._place[own]) % len(self._place)
            return excess, -value[label], self._pairs[own, label], self._used[label], way

        winner = min(labels, key=rank)
        self._used[winner] += 1
        self._pairs[own, winner] += 1
        return winner
