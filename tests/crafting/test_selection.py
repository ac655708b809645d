"""Selections put first the samples that together activate most units or see most models."""

from itertools import combinations

import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.crafting.selection import find_active_units, greedy_order, manc_order, portfolio_order
from modelprint.data import LabelledImages
from modelprint.errors import CraftingError
from modelprint.networks import NETWORKS
from modelprint.tensors import to_images


def table(*rows: str) -> torch.Tensor:
    """Return a table of booleans from rows of "#" and "."."""
    return torch.tensor([[mark == "#" for mark in row] for row in rows])


def test_each_sample_covers_most_of_what_is_left() -> None:
    """A case done by hand: the largest set first, then the one with most new units, not the second largest."""
    active = table("###...", "####..", "....##", ".###..")

    order = manc_order(active, 4)

    assert order == [1, 2, 0, 3]  # four units, two new ones; then nothing is left and indices decide


def test_a_prefix_of_a_selection_is_the_shorter_selection() -> None:
    """The order does not depend on how many are asked for."""
    active = torch.rand(20, 30, generator=torch.Generator().manual_seed(0)) < 0.2

    whole = manc_order(active, 20)

    assert sorted(whole) == list(range(20))
    assert all(manc_order(active, count) == whole[:count] for count in range(20))


@pytest.mark.parametrize("seed", range(5))
def test_greedy_cover_keeps_its_guarantee(seed: int) -> None:
    """It covers at least 1 - 1/e of what the best selection of that size covers, and for one sample exactly as much."""
    active = torch.rand(9, 14, generator=torch.Generator().manual_seed(seed)) < 0.3

    for count in (1, 2, 3, 4):
        best = max(int(active[list(chosen)].any(0).sum()) for chosen in combinations(range(9), count))
        covered = int(active[manc_order(active, count)].any(0).sum())

        assert covered >= (1 - (1 - 1 / count) ** count) * best


def test_ties_go_to_the_lowest_index() -> None:
    """Where everything is active everywhere, the order is that of the pool."""
    assert manc_order(torch.ones(5, 3, dtype=torch.bool), 4) == [0, 1, 2, 3]
    assert manc_order(torch.zeros(3, 0, dtype=torch.bool), 3) == [0, 1, 2]


@pytest.mark.parametrize("count", [-1, 4])
def test_more_samples_than_there_are_are_refused(count: int) -> None:
    """So is a negative number."""
    with pytest.raises(ValueError, match="count is 0 to 3"):
        manc_order(torch.ones(3, 2, dtype=torch.bool), count)


def test_greedy_sees_the_models_that_nobody_saw() -> None:
    """A case done by hand: three models, then the one left, then all once more."""
    mismatch = table("##..", "##..", "#...", "..#.")  # models x samples

    order = greedy_order(mismatch, torch.tensor([0.4, 0.3, 0.2, 0.1]))

    assert order == [0, 2, 1, 3]


def test_greedy_breaks_ties_by_margin_then_by_label() -> None:
    """The least certain sample first; among equals a label that was not chosen before."""
    mismatch = torch.zeros(2, 5, dtype=torch.bool)
    margins = torch.tensor([0.5, 0.5, 0.5, 0.1, 0.5])

    assert greedy_order(mismatch, margins) == [3, 0, 1, 2, 4]
    assert greedy_order(mismatch, margins, torch.tensor([7, 7, 3, 7, 3])) == [3, 2, 0, 4, 1]


def test_greedy_without_models_or_samples() -> None:
    """No zoo leaves the margins; no samples leave nothing."""
    assert greedy_order(torch.zeros(0, 3, dtype=torch.bool), torch.tensor([0.3, 0.1, 0.2])) == [1, 2, 0]
    assert greedy_order(torch.zeros(2, 0, dtype=torch.bool), torch.zeros(0)) == []


def test_greedy_refuses_labels_of_other_samples() -> None:
    """Numbers that belong to other samples are a mistake of the caller."""
    with pytest.raises(ValueError, match="there are 3 samples"):
        greedy_order(torch.zeros(1, 3, dtype=torch.bool), torch.zeros(3), torch.zeros(2, dtype=torch.int64))


class Channels(nn.Module):
    """One ReLU module over channels, one called by name over features."""

    def __init__(self) -> None:
        super().__init__()
        self.rectify = nn.ReLU()
        self.linear = nn.Linear(2, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = self.rectify(images - 0.5).mean((2, 3))
        return self.linear(torch.relu(means - 0.2))


def test_units_are_channels_and_features_above_zero() -> None:
    """A channel is active when one pixel is; the input of the last layer when it is positive itself."""
    model = Classifier(Channels(), image_shape=(2, 2, 2), class_count=2)
    dark, spot, bright = torch.zeros(2, 2, 2), torch.zeros(2, 2, 2), torch.ones(2, 2, 2)
    spot[1, 0, 0] = 1.0  # mean of the rectified channel: 0.125, below 0.2
    images = torch.stack([dark, spot, bright])

    assert find_active_units(model, images, "all").tolist() == table("....", ".#..", "####").tolist()
    assert find_active_units(model, images).tolist() == table("..", "..", "##").tolist()


@pytest.mark.parametrize("name", ["resnet20", "lenet5"])
def test_every_way_to_write_a_relu_counts(name: str) -> None:
    """ResNets call a function, LeNet-5 has modules: 19 layers of 16, 32 and 64 channels, and 6 + 16 + 120 + 84."""
    made = NETWORKS[name]
    model = Classifier(made.make(), image_shape=made.image_shape, class_count=10)

    active = find_active_units(model, torch.rand(2, *made.image_shape), "all")

    assert active.shape == (2, {"resnet20": 7 * 16 + 6 * 32 + 6 * 64, "lenet5": 226}[name])


def test_looking_changes_nothing(tiny_model: Classifier, tiny_data: LabelledImages) -> None:
    """Logits are the same before and after, and images in one batch or in several activate the same units."""
    images = to_images(tiny_data.pixels)
    before = tiny_model.logits(images)

    together = find_active_units(tiny_model, images, "all")
    apart = torch.cat([find_active_units(tiny_model, image[None], "all") for image in images[:4]])

    assert tiny_model.logits(images).equal(before)
    assert together[:4].equal(apart)


def test_a_network_without_relus_is_refused() -> None:
    """There is nothing to count."""
    model = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), image_shape=(1, 2, 2), class_count=2)

    with pytest.raises(CraftingError, match="has no ReLU"):
        find_active_units(model, torch.zeros(1, 1, 2, 2), "all")


def test_a_portfolio_hedges_between_families() -> None:
    """One kind is seen by sample 0 alone, the other by all but it: sample 0 comes early, and is one of many."""
    mismatch = torch.tensor([[True, False, False, False], [False, True, True, True], [False, True, True, True]])

    order = portfolio_order(mismatch, [[0], [1, 2]], torch.arange(4), 4)

    assert order[:2] == [0, 1]
    assert sorted(order) == [0, 1, 2, 3]


def test_a_portfolio_prefers_what_the_worst_family_fears() -> None:
    """A sample that only the family seen twice already knows waits for one that the other family knows."""
    mismatch = torch.tensor([[True, True, True, False, False], [False, False, False, True, True]])

    order = portfolio_order(mismatch, [[0], [1]], torch.arange(5), 4)

    assert order == [0, 3, 1, 4]


def test_no_label_is_used_much_more_often_than_another() -> None:
    """Four of six samples with two labels: two of each, though those of one label see more."""
    mismatch = torch.tensor([[True, True, True, True, False, False]])
    labels = torch.tensor([0, 0, 0, 0, 1, 1])

    order = portfolio_order(mismatch, [[0]], labels, 4)

    assert order == [0, 1, 4, 5]


@pytest.mark.parametrize("count", [-1, 3])
def test_a_portfolio_of_more_samples_than_there_are_is_refused(count: int) -> None:
    """The message says how many there are."""
    with pytest.raises(ValueError, match="count is 0 to 2, the number of samples"):
        portfolio_order(torch.ones(1, 2, dtype=torch.bool), [[0]], torch.arange(2), count)
