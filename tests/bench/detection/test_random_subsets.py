"""Random subsets are drawn from the seed, and each is put in order by the units that its samples activate."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.bench.detection.plan import RandomSubsets
from modelprint.bench.detection.random_subsets import FARTHEST, draw_subsets, seen_by_subsets
from modelprint.classifier import Classifier
from modelprint.crafting.selection import find_active_units, manc_order
from modelprint.data import DataSet
from modelprint.errors import BenchError
from modelprint.tensors import to_images


def test_a_subset_of_all_samples_has_the_order_of_the_fingerprint(tiny_model: Classifier, split: DataSet) -> None:
    """Whichever order they were drawn in, the first sample activates most units."""
    images = to_images(split.test.pixels)
    active = find_active_units(tiny_model, images, "all")

    orders = draw_subsets(tiny_model, images, RandomSubsets(size=1000, draws=3), seed=1)

    most = active.sum(1)
    assert [int(most[int(order.split()[0])]) for order in orders] == [int(most.max())] * 3
    covered = active[[int(place) for place in orders[0].split()]].any(0)
    assert covered.sum() >= active[manc_order(active, FARTHEST)].any(0).sum() - 1


def test_subsets_are_drawn_without_replacement_and_follow_from_the_seed(tiny_model: Classifier, split: DataSet) -> None:
    """Five of 32 images each; another seed draws others."""
    images, subsets = to_images(split.test.pixels), RandomSubsets(size=5, draws=20)

    orders = draw_subsets(tiny_model, images, subsets, seed=1)

    drawn = [{int(place) for place in order.split()} for order in orders]
    assert all(len(one) == 5 and one <= set(range(32)) for one in drawn)
    assert len(set().union(*drawn)) > 25
    assert (
        orders == draw_subsets(tiny_model, images, subsets, seed=1) != draw_subsets(tiny_model, images, subsets, seed=2)
    )


def test_a_network_without_rectified_units_has_no_subsets() -> None:
    """There is nothing to choose by."""
    model = Classifier(
        nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), image_shape=(1, 2, 2), class_count=2, name="linear"
    )

    assert draw_subsets(model, torch.zeros(3, 1, 2, 2), RandomSubsets(), seed=1) == []


def test_a_subset_sees_what_its_first_samples_see() -> None:
    """Two suspects, three subsets; one that is too short answers nothing."""
    mismatched = np.array([[True, False, False], [False, False, True]])

    seen = seen_by_subsets(mismatched, ["0 1", "1 2", "1 0"], 1)

    assert seen is not None and seen.tolist() == [[True, False, False], [False, False, False]]
    both = seen_by_subsets(mismatched, ["0 1", "1 2", "1 0"], 2)
    assert both is not None and both.tolist() == [[True, False, True], [False, True, False]]
    assert seen_by_subsets(mismatched, ["0 1", "1"], 2) is None
    assert seen_by_subsets(mismatched, [], 1) is None
    with pytest.raises(BenchError, match="a random subset holds none of 3 samples"):
        seen_by_subsets(mismatched, ["3"], 1)
