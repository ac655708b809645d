"""Controls: ordinary images with wide margins, which a check asks about before it says *tampered*.

A model that is asked as it was sealed gives them their labels, also after most tamperings. When they get other labels,
the preprocessing or the label map of the endpoint differs.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64

from modelprint.data import LabelledImages
from modelprint.fingerprint.blocks import Control
from modelprint.pixels import Picture


def choose_controls(
    images: LabelledImages,
    suitable: Bool[np.ndarray, " n"],
    margins: Float64[np.ndarray, " n"],
    count: int,
) -> tuple[Control, ...]:
    """Return `count` controls, classes in turn and the widest margins of a class first; fewer when there are no more.

    Args:
        images: Ordinary images.
        suitable: Which of them get the label of the data from the model, steadily.
        margins: Top-1 minus top-2 logit of each; 0 where only labels could be seen.
        count: How many, 0 or more.
    """
    ranked = sorted(np.flatnonzero(suitable), key=lambda row: -margins[row])  # equal margins stay in order
    queues: dict[int, list[int]] = {}
    for row in ranked:
        queues.setdefault(int(images.labels[row]), []).append(int(row))
    chosen = _take_in_turn([queues[label] for label in sorted(queues)], count)
    return tuple(
        Control(picture=Picture.of(images.pixels[row]), label=int(images.labels[row]), margin=float(margins[row]))
        for row in chosen
    )


def _take_in_turn(queues: Sequence[Sequence[int]], count: int) -> list[int]:
    """Return the first entry of each queue, then the second, and so on, up to `count`."""
    longest = max(map(len, queues), default=0)
    in_turn = [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]
    return in_turn[:count]
