"""Margins and entropies, against cases known by hand."""

import math

import pytest
import torch

from modelprint.crafting.margins import entropy, entropy_band, margin, top_two_gap
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
