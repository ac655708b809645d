"""The last layer learns the same classes from images that look different."""

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.streams import stream
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.transfer import TransferShifted, halve_detail, jitter_colours, shift_images


def test_halving_takes_away_the_finest_detail_and_nothing_flat() -> None:
    """A chequerboard becomes grey; an even image stays; odd sides keep their size."""
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2

    assert halve_detail(board.float()[None, None]).flatten().tolist() == pytest.approx([0.5] * 64)
    assert halve_detail(torch.full((1, 3, 9, 7), 0.3)).flatten().tolist() == pytest.approx([0.3] * 189)


def test_jitter_changes_grey_in_brightness_and_colour_in_saturation() -> None:
    """An even grey image stays even; without jitter nothing changes; colours of one image keep their order."""
    grey = torch.full((4, 1, 2, 2), 0.5)
    colour = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None].expand(4, 3, 2, 2)

    brighter, mixed = jitter_colours(grey, 0.4, stream(0)), jitter_colours(colour, 0.4, stream(0))

    assert brighter.flatten(1).std(1).max() < 1e-6
    assert len({round(value, 4) for value in brighter[:, 0, 0, 0].tolist()}) == 4
    assert (mixed.diff(dim=1) > 0).all()
    torch.testing.assert_close(jitter_colours(colour, 0.0, stream(0)), colour)


def test_the_shifted_copy_has_the_same_classes_and_leaves_the_original(split: DataSet) -> None:
    """Labels and order stay, pixels do not."""
    before = split.train.digest

    other = shift_images(split.train, 0.4, stream(0))

    assert split.train.digest == before
    assert (other.labels == split.train.labels).all()
    assert other.name == f"{split.train.name}/shifted"
    assert np.abs(other.pixels.astype(int) - split.train.pixels.astype(int)).mean() > 10


def test_only_the_last_layer_learns(tiny_model: Classifier, split: DataSet) -> None:
    """With frozen batch norm nothing else moves."""
    suspect = make_suspect("t", SUITE["transfer-shifted-bnfrozen"](), tiny_model, split, seed=0)

    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"linear.weight", "linear.bias"}
    assert suspect.movement.buffers == 0
    with pytest.raises(ValueError, match=r"below 1, got 1\.0"):
        TransferShifted(jitter=1.0)
