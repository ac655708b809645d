"""The bound of covertness holds and is reached."""

import numpy as np
import pytest
import torch

from modelprint.tradeoff.bound import largest_changes, most_confident


def test_confident_disagreement_needs_a_large_change() -> None:
    """Over random pairs of classifiers, no label differs above the bound; from either side."""
    rng = np.random.default_rng(0)
    for classes in (2, 3, 10):
        scale = 10 ** rng.uniform(-3, 1, (20_000, 1))
        before = torch.from_numpy(rng.normal(size=(20_000, classes)) * scale)
        after = before + torch.from_numpy(rng.normal(size=(20_000, classes)) * scale + rng.normal(size=(20_000, 1)) * 9)
        differ = before.argmax(1) != after.argmax(1)
        bounds = torch.tensor([most_confident(float(change)) for change in largest_changes(before, after)])

        assert differ.sum() > 1000
        for logits in (before, after):
            assert (logits.softmax(1).amax(1)[differ] <= bounds[differ] + 1e-6).all()


@pytest.mark.parametrize("d", [1e-4, 0.3, 5.0])
def test_the_bound_is_reached(d: float) -> None:
    """The leader falls by d and its rival rises by d to just above it; nothing else is near."""
    before = torch.tensor([[2 * d, 0.0, -60.0]], dtype=torch.float64)
    after = before + torch.tensor([[-d, d * (1 + 1e-9), 0.0]], dtype=torch.float64)
    change = float(largest_changes(before, after))

    assert (int(before.argmax()), int(after.argmax())) == (0, 1)
    assert change == pytest.approx(2 * d)
    assert float(before.softmax(1).amax()) == pytest.approx(most_confident(change), abs=1e-8)


def test_what_all_logits_have_in_common_is_no_change() -> None:
    """Adding seven everywhere leaves the bound at one half: two classes that tie."""
    before = torch.tensor([[1.0, 2.0, 4.0]])

    assert most_confident(float(largest_changes(before, before + 7))) == 0.5
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        most_confident(-1.0)
