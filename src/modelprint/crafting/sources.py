"""Choice of the natural images to start from."""

import numpy as np
import torch

from modelprint.data import LabelledImages
from modelprint.errors import CraftingError
from modelprint.streams import stream


def pick_sources(data: LabelledImages, count: int, seed: int, *, skip: int = 0) -> LabelledImages:
    """Return `count` different images, classes in turn, in an order that depends on `seed` alone.

    Args:
        data: Where to pick from.
        count: How many.
        seed: Of the order within each class.
        skip: Leave out this many from the start of the order: those used before.

    Raises:
        CraftingError: There are fewer images than asked for.
    """
    if count + skip > len(data):
        raise CraftingError(
            f"{count + skip} source images are needed but {data.name} holds {len(data)}; "
            "ask for fewer samples or give more images"
        )
    order = torch.randperm(len(data), generator=stream(seed, "sources")).numpy()
    labels = data.labels[order]
    # Rank of each image within its class; sorting by (rank, class) takes the classes in turn.
    rank = np.empty(len(order), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    in_turn = order[np.lexsort((labels, rank))]
    return data.take(in_turn[skip : skip + count])
