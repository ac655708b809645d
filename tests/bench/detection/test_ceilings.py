"""Printed rates that samples drawn at random from one pool cannot have."""

import pytest

from modelprint.bench.detection.ceilings import beyond_ceiling
from modelprint.bench.detection.published import published_table


@pytest.mark.parametrize(
    ("table", "counts"),
    [
        ("table1-cifar10", {"PublicCheck": 12, "MiSentry": 3}),
        ("table1-gtsrb", {"PublicCheck": 13, "MiSentry": 1}),
        ("table1-imagenet-sample", {"PublicCheck": 8, "MiSentry": 0}),
    ],
)
def test_many_printed_rates_cannot_come_from_one_pool(table: str, counts: dict[str, int]) -> None:
    """Five samples drawn at random cannot see that often what one sample sees so seldom."""
    published = published_table(table)
    assert published is not None

    for method, count in counts.items():
        assert len(beyond_ceiling(published, [method])) == count


def test_a_rate_beyond_its_ceiling_is_named_with_it() -> None:
    """GTSRB, last layer, 1e-4: 42.5 with one sample allows 94.2 with five, printed is 97.1."""
    published = published_table("gtsrb")
    assert published is not None

    (found,) = beyond_ceiling(published, ["MiSentry"])

    assert (found.row, found.n, found.rate) == ("Fine-tune last layer, lr 1e-4", 5, pytest.approx(0.971))
    assert found.ceiling == pytest.approx(0.942, abs=5e-4)
