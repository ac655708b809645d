"""Mixed batches hold all that is clean, and the same number of poison examples each."""

import pytest
import torch

from modelprint.streams import stream
from modelprint.tamperings.poison import Poisoned
from modelprint.training import TensorBatches


def mixed(poison_count: int, per_batch: int) -> Poisoned:
    """Ten clean examples 0 .. 9 of class 0; poison is 100, 101, .. of class 1."""
    return Poisoned(
        clean=TensorBatches(inputs=torch.arange(10.0)[:, None], labels=torch.zeros(10, dtype=torch.int64)),
        poison_inputs=100 + torch.arange(float(poison_count))[:, None],
        poison_labels=torch.ones(poison_count, dtype=torch.int64),
        per_batch=per_batch,
    )


def test_every_batch_is_clean_examples_and_then_poison() -> None:
    """Ten clean examples in batches of 4, 4 and 2, each two longer; the length counts the clean ones."""
    batches = mixed(poison_count=5, per_batch=2)

    epoch = list(batches.epoch(4, stream(0)))

    assert len(batches) == 10
    assert [len(labels) for _, labels in epoch] == [6, 6, 4]
    clean = torch.cat([inputs[labels == 0] for inputs, labels in epoch])
    assert sorted(clean.flatten().tolist()) == list(range(10))
    assert all((inputs[-2:] >= 100).all() and (labels[-2:] == 1).all() for inputs, labels in epoch)


def test_poison_is_used_up_before_it_comes_again() -> None:
    """Six draws from three: each twice, the first three all different."""
    drawn = [inputs[labels == 1].flatten().tolist() for inputs, labels in mixed(3, 2).epoch(4, stream(0))]

    flat = torch.tensor(drawn).flatten().tolist()
    assert sorted(flat[:3]) == sorted(flat[3:]) == [100, 101, 102]


def test_one_poison_example_may_fill_its_share_alone() -> None:
    """Fewer examples than places: it appears several times in a batch."""
    (first, *_) = mixed(poison_count=1, per_batch=3).epoch(4, stream(0))

    assert first[0].flatten().tolist()[-3:] == [100, 100, 100]


@pytest.mark.parametrize(
    ("poison_count", "per_batch", "message"), [(0, 1, "at least one"), (1, 0, "at least 1, got 0")]
)
def test_batches_without_poison_are_refused(poison_count: int, per_batch: int, message: str) -> None:
    """Both numbers have to be positive."""
    with pytest.raises(ValueError, match=message):
        mixed(poison_count, per_batch)
