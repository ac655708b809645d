"""Narrow a pair of eight-bit images on either side of a boundary until they differ by one grey level in one value."""

import numpy as np
from jaxtyping import Int

from modelprint.pixels import Pixels
from modelprint.tensors import Labeller, Labels

MOST_HALVINGS = 32
"""Eight until no value differs by more than a level, and one for each doubling of the number of values."""


def narrow(label: Labeller, home: Labels, inner: Pixels, outer: Pixels) -> tuple[Pixels, Pixels]:
    """Halve the gap of each pair until its images differ by one grey level in one value.

    Args:
        label: Gives the labels of the images in the middle; all pairs are asked about together.
        home: Label of each inner image; that of the outer one is another.
        inner: One end of each pair.
        outer: The other end.

    Returns:
        The ends, as near to each other as eight-bit images can be, still on either side.
    """
    inner, outer = inner.copy(), outer.copy()
    while len(rows := np.flatnonzero(_gap(inner, outer) > 1)):
        middle = take_middle(inner[rows], outer[rows])
        stayed = (label(middle) == home[rows]).numpy()
        inner[rows[stayed]], outer[rows[~stayed]] = middle[stayed], middle[~stayed]
    return inner, outer


def take_middle(inner: Pixels, outer: Pixels) -> Pixels:
    """Return images between those of each pair, equal to neither.

    Every value moves half of its difference, rounded towards the inner image. Where no value differs by more than one
    level, the first half of the differing values takes the outer level. Pairs have to differ by more than one level in
    sum.
    """
    way = outer.astype(np.int16) - inner.astype(np.int16)
    flat = way.reshape(len(way), -1)
    rank = (flat != 0).cumsum(1)
    first_half = flat * (rank <= rank[:, -1:] // 2)
    fine = np.abs(flat).max(1, keepdims=True) <= 1
    step = np.where(fine, first_half, np.sign(flat) * (np.abs(flat) // 2))
    middle: Pixels = (inner + step.reshape(way.shape)).astype(np.uint8)
    return middle


def _gap(inner: Pixels, outer: Pixels) -> Int[np.ndarray, " n"]:
    """Return the sum of all differences, in grey levels."""
    differences = np.abs(outer.astype(np.int64) - inner.astype(np.int64))
    total: Int[np.ndarray, " n"] = differences.sum((1, 2, 3))
    return total
