"""The band of natural images, against cases known by hand."""

import math

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.covertness import HEADROOM, Band, measure_band, smallest_gaps
from modelprint.crafting.margins import entropy
from modelprint.data import DataSet
from modelprint.tensors import to_images


def band(confidence: tuple[float, float]) -> Band:
    """Return a band of two classes: this top-1 probability, any entropy."""
    return Band(
        confidence=torch.tensor([confidence] * 2, dtype=torch.float64),
        entropy=torch.tensor([[0.0, math.log(2)]] * 2, dtype=torch.float64),
    )


def test_a_sample_is_inside_when_probability_and_entropy_are() -> None:
    """Gaps of log 3 and log 9 are probabilities of 0.75 and 0.9; the band ends at 0.8."""
    logits = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)], [math.log(9), 0.0]], dtype=torch.float64)

    assert band((0.7, 0.8)).contains(logits).tolist() == [True, True, False]


def test_the_smallest_gap_gives_the_lowest_probability_of_the_band() -> None:
    """Two tied classes: a probability of 0.9 is a gap of log 9, and a little more for the other classes."""
    gaps = smallest_gaps(band((0.9, 1.0)), torch.tensor([0, 1]), 2)

    assert gaps.tolist() == pytest.approx([HEADROOM * math.log(9)] * 2)


def test_the_band_is_a_range_of_percentiles_by_label(tiny_model: Classifier, split: DataSet) -> None:
    """From the smallest to the largest value: every natural image is inside the band of its label."""
    logits = tiny_model.logits(to_images(split.test.pixels)).double()

    found = measure_band(tiny_model, split, 0.0)

    assert found.contains(logits).all()
    first = logits.argmax(1) == 0
    assert found.entropy[0].tolist() == pytest.approx(
        [f(entropy(logits[first])).item() for f in (torch.min, torch.max)]
    )
    assert (measure_band(tiny_model, split, 25.0).entropy[:, 1] <= found.entropy[:, 1]).all()
