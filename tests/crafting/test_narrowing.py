"""Pairs on either side of a boundary come as near to each other as eight-bit images can."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modelprint.crafting.narrowing import MOST_HALVINGS, narrow, take_middle
from modelprint.pixels import Pixels
from modelprint.tensors import Labels


def bright(pixels: Pixels, above: float = 127.5) -> Labels:
    """Class 1 where the mean grey level is above `above`."""
    return torch.from_numpy((pixels.reshape(len(pixels), -1).mean(1) > above).astype(np.int64))


def test_the_ends_are_one_grey_level_apart_in_one_value() -> None:
    """Whatever the pair was like; each end keeps its label, and each halving asks about all pairs at once."""
    rng = np.random.default_rng(0)
    inner = rng.integers(0, 128, (6, 3, 5, 4), dtype=np.uint8)
    outer = rng.integers(128, 256, (6, 3, 5, 4), dtype=np.uint8)
    asked: list[int] = []

    def label(pixels: Pixels) -> Labels:
        asked.append(len(pixels))
        return bright(pixels)

    inside, outside = narrow(label, bright(inner), inner, outer)

    assert bright(inside).tolist() == [0] * 6 and bright(outside).tolist() == [1] * 6
    assert np.abs(outside.astype(int) - inside.astype(int)).sum((1, 2, 3)).tolist() == [1] * 6
    assert asked[0] == 6 and len(asked) <= 8 + 6 <= MOST_HALVINGS
    assert inner.max() < 128 <= outer.min()


def test_the_end_is_the_level_at_which_the_label_changes() -> None:
    """Of one pixel from 10 to 250 with the boundary between 77 and 78, both ways round."""
    low, high = np.full((1, 1, 1, 1), 10, np.uint8), np.full((1, 1, 1, 1), 250, np.uint8)

    up = narrow(lambda pixels: bright(pixels, 77.5), torch.tensor([0]), low, high)
    down = narrow(lambda pixels: bright(pixels, 77.5), torch.tensor([1]), high, low)

    assert (up[0].item(), up[1].item()) == (77, 78)
    assert (down[0].item(), down[1].item()) == (78, 77)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=8))
def test_what_is_halfway_is_neither_end(values: list[tuple[int, int]]) -> None:
    """And never outside of the two, as long as they are more than one level apart."""
    inner, outer = (np.array(side, np.uint8).reshape(1, 1, 1, -1) for side in zip(*values, strict=True))
    apart = np.abs(outer.astype(int) - inner.astype(int)).sum()
    if apart < 2:
        return

    middle = take_middle(inner, outer)

    assert (middle != inner).any() and (middle != outer).any()
    assert (np.minimum(inner, outer) <= middle).all() and (middle <= np.maximum(inner, outer)).all()


def test_equal_ends_are_left_as_they_are() -> None:
    """No label is asked for."""
    same = np.zeros((2, 1, 2, 2), np.uint8)

    inside, outside = narrow(pytest.fail, torch.zeros(2, dtype=torch.int64), same, same)

    assert np.array_equal(inside, same) and np.array_equal(outside, same)
