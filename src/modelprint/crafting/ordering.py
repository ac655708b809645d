"""The order of samples in a fingerprint."""

from collections import Counter

import torch
from jaxtyping import Int64
from torch import Tensor

from modelprint.streams import stream
from modelprint.tensors import Labels


def interleave_labels(labels: Labels, indices: Int64[Tensor, " chosen"], seed: int) -> list[int]:
    """Return `indices` reordered so that labels take turns: every prefix covers the labels evenly.

    Args:
        labels: Of all images.
        indices: Which of them to put in order; within a label their order stays.
        seed: Chooses the order of the labels.
    """
    classes = int(labels.max()) + 1 if len(labels) else 0
    place = torch.randperm(classes, generator=stream(seed, "order")).tolist()
    used: Counter[int] = Counter()
    keys = []
    for index in indices.tolist():
        label = int(labels[index])
        keys.append((used[label], place[label], index))
        used[label] += 1
    return [index for _, _, index in sorted(keys)]
