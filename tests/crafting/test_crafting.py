"""Margins, entropies, balls and sources, against cases known by hand."""

import math

import numpy as np
import pytest
import torch

from modelprint.crafting.margins import entropy, entropy_band, margin, top_two_gap
from modelprint.crafting.projection import clip, scale_to_unit
from modelprint.crafting.sources import pick_sources
from modelprint.data import LabelledImages
from modelprint.errors import CraftingError


def test_margin_and_gap_of_a_row() -> None:
    """3, 1, 2: the margin of class 0 is 1, of class 1 is -2; the gap is 1 whatever the label."""
    logits = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])

    assert margin(logits, torch.tensor([0, 1])).tolist() == [1.0, -2.0]
    assert margin(logits.expand(4, 2, 3), torch.tensor([0, 1])).shape == (4, 2)
    assert top_two_gap(logits).tolist() == [1.0, 1.0]


def test_entropy_of_even_and_certain_answers() -> None:
    """Ln K and 0, without a NaN at certainty."""
    assert entropy(torch.zeros(1, 4)).item() == pytest.approx(math.log(4))
    assert entropy(torch.tensor([[1000.0, 0.0]])).item() == 0


def test_band_is_by_label_and_falls_back_on_all_images() -> None:
    """Two labels with different sureness; a third that no image has gets the range of all."""
    sure, unsure = torch.tensor([9.0, 0.0, -9.0]), torch.tensor([0.0, 0.5, -9.0])
    logits = torch.stack([sure, sure, unsure, unsure])

    low, high = entropy_band(logits, (0.0, 100.0), 3)

    assert low[0] == high[0] == entropy(sure[None])
    assert low[1] == high[1] == entropy(unsure[None])
    assert (low[2], high[2]) == (low[0], high[1])
    with pytest.raises(CraftingError, match="two percentiles"):
        entropy_band(logits, (90.0, 10.0), 3)


def test_clip_holds_both_bounds() -> None:
    """Far outside: on the ball. Outside the range: clamped, and not farther away than before."""
    source = torch.full((2, 1, 2, 2), 0.9)
    moved = source.clone()
    moved[0, 0, 0, 0] -= 0.8
    moved[1] += 0.4

    clipped = clip(moved, source, 0.5)

    assert (clipped - source).flatten(1).norm(dim=1)[0].item() == pytest.approx(0.5)
    assert clipped.max() <= 1
    assert clip(source, source, 0.5).equal(source)


def test_unit_scales_each_image_and_leaves_nothing_at_nothing() -> None:
    """Length one, however small; zero stays zero, not NaN."""
    gradients = torch.stack([torch.full((1, 2, 2), 1e-9), torch.zeros(1, 2, 2)])

    scaled = scale_to_unit(gradients)

    assert scaled.flatten(1).norm(dim=1).tolist() == pytest.approx([1.0, 0.0])


def test_sources_take_classes_in_turn_and_never_repeat(tiny_data: LabelledImages) -> None:
    """Any prefix is balanced; `skip` goes on where the first pick ended; another seed picks others."""
    first, rest = pick_sources(tiny_data, 40, seed=1), pick_sources(tiny_data, 56, seed=1, skip=40)

    assert first.labels[:8].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    everything = np.concatenate([first.pixels, rest.pixels])
    assert len(np.unique(everything.reshape(96, -1), axis=0)) == 96
    assert not np.array_equal(pick_sources(tiny_data, 40, seed=2).pixels, first.pixels)
    with pytest.raises(CraftingError, match="97 source images are needed but tiny holds 96"):
        pick_sources(tiny_data, 97, seed=1)
