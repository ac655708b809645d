"""Border points lie where the victim cannot decide, and elsewhere for anybody else."""

import pytest
import torch
from torch import nn

from modelprint.bench.ownership.border import BORDER, border_points, gaps_at
from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.errors import CraftingError


def bright(at: float) -> Classifier:
    """Return a classifier of one pixel whose boundary is at a brightness."""
    layer = nn.Linear(1, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0], [4.0]]))
        layer.bias.copy_(torch.tensor([0.0, -4 * at]))
    return Classifier(nn.Sequential(nn.Flatten(), layer), image_shape=(1, 1, 1), class_count=2)


@pytest.fixture
def pixels() -> LabelledImages:
    """256 images of one pixel, all grey levels."""
    levels = torch.arange(256, dtype=torch.uint8).numpy().reshape(-1, 1, 1, 1)
    return LabelledImages(pixels=levels, labels=(levels.ravel() > 99).astype("int64"), class_names=("a", "b"), name="x")


def test_the_points_are_on_the_boundary(pixels: LabelledImages) -> None:
    """All at the brightness where both classes are as likely; at another model's they are told apart."""
    points = border_points(bright(0.4), pixels, 10, seed=0)

    assert 1 <= len(points) <= 10
    assert points.dtype == torch.float64
    assert points.flatten().tolist() == pytest.approx([0.4] * len(points), abs=1e-6)
    assert gaps_at(bright(0.4), points).max() < BORDER
    # tanh(x / 2) is the gap of two classes that are x logits apart
    assert gaps_at(bright(0.6), points).tolist() == pytest.approx([torch.tensor(0.4).tanh().item()] * len(points))


def test_the_same_seed_gives_the_same_points(pixels: LabelledImages) -> None:
    """Bit for bit; another gives others."""
    model = bright(0.4)

    assert torch.equal(border_points(model, pixels, 5, 1), border_points(model, pixels, 5, 1))


def test_without_a_boundary_there_is_no_point(pixels: LabelledImages) -> None:
    """A classifier that gives all images one label says so."""
    with pytest.raises(CraftingError, match="pairs of images get one label each"):
        border_points(bright(2.0), pixels, 5, seed=0)
