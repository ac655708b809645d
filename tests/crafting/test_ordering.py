"""Samples lie so that every prefix of a fingerprint covers the labels."""

import torch

from modelprint.crafting.ordering import interleave_labels


def test_labels_come_in_turn() -> None:
    """Every prefix covers the labels evenly, an exhausted label is passed over, and within a label the order stays."""
    labels = torch.tensor([2, 2, 2, 0, 0, 1, 2, 0])
    chosen = torch.tensor([0, 1, 2, 3, 4, 5, 6])

    order = interleave_labels(labels, chosen, seed=3)

    found = [int(labels[index]) for index in order]
    assert sorted(order) == chosen.tolist()
    assert set(found[:3]) == {0, 1, 2}
    assert set(found[3:5]) == {0, 2}
    assert found[5:] == [2, 2]
    assert [index for index in order if labels[index] == 2] == [0, 1, 2, 6]
    assert order == interleave_labels(labels, chosen, seed=3)
    assert any(interleave_labels(labels, chosen, seed=seed) != order for seed in range(10))
    assert interleave_labels(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), seed=3) == []
