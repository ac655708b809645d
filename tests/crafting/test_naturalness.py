"""An image passes when it lies no further from natural ones than these among themselves."""

import pytest
import torch

from modelprint.crafting.naturalness import distances, is_natural


def at(*degrees: float) -> torch.Tensor:
    """Features on the unit circle."""
    angles = torch.tensor(degrees).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_distances_are_squared_and_averaged_over_places() -> None:
    """Two places: at one the directions are the same, whatever their length; at the other they are at right angles."""
    first = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])  # one image, two channels, two places
    second = torch.tensor([[[5.0, 0.0], [0.0, 3.0]]])

    assert distances(first, second).item() == pytest.approx((0 + 2) / 2)


def test_both_the_largest_and_the_mean_distance_count() -> None:
    """Natural images at 0, 0, 0 and 80 degrees: 20 passes, -10 is too far from the last, 79 too far on the whole."""
    natural = at(0, 0, 0, 80)

    accepted = is_natural(at(20, -10, 79), natural)

    assert accepted.tolist() == [True, False, False]
    assert distances(at(-10), natural).mean() < 0.6 < 0.8 < distances(natural, natural).mean() * 4 / 3
    assert distances(at(79), natural).max() < distances(natural, natural).max()


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_passes_where_there_is_nothing_to_compare(count: int) -> None:
    """One natural image has no distance to another."""
    assert is_natural(at(0, 0), at(0)[:count]).tolist() == [False, False]


def test_no_samples_are_no_problem() -> None:
    """Nothing in, nothing out."""
    assert is_natural(at(0)[:0], at(0, 10, 20)).tolist() == []
