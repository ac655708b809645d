"""What cheap tamperings flip, and the rate p1 that a file may claim from it."""

import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fingerprint.blocks import TamperingRate
from modelprint.generation.sensitivity import CHEAP, Sensitivity, lower_bound, measure_sensitivity


def rate(flipped: int, samples: int = 100, tampering: str = "some") -> TamperingRate:
    """Return a rate."""
    return TamperingRate(tampering=tampering, flipped=flipped, samples=samples, moved=0.1)


def test_every_cheap_tampering_is_counted(tiny_model: Classifier, split: DataSet) -> None:
    """By its own copy of the model, which stays as it is."""
    before, pixels = tiny_model.digest(), split.test.pixels
    labels = torch.full((len(pixels),), 3)  # not those of the model, so that something differs

    found = measure_sensitivity(tiny_model, split, pixels, labels, profile="fp32", seed=0)

    assert [one.tampering for one in found.rates] == list(CHEAP)
    assert {one.samples for one in found.rates} == {32}
    assert all(0 < one.flipped < 32 and one.moved > 0 for one in found.rates)
    assert tiny_model.digest() == before
    assert found == measure_sensitivity(tiny_model, split, pixels, labels, profile="fp32", seed=0)


def test_what_a_profile_counts_as_honest_is_not_tried(tiny_model: Classifier, split: DataSet) -> None:
    """Samples of the profile int8 were chosen to survive int8 weights."""
    labels = torch.from_numpy(split.test.labels)

    found = measure_sensitivity(tiny_model, split, split.test.pixels, labels, profile="int8", seed=0)

    assert "int8 weights" not in {one.tampering for one in found.rates}


def test_a_network_that_cannot_be_tampered_with_says_why(split: DataSet) -> None:
    """Without a last layer there is none to train; the others are tried all the same."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Softmax(1))
    model = Classifier(network, image_shape=(1, 8, 8), class_count=4)
    labels = torch.from_numpy(split.test.labels)

    found = measure_sensitivity(model, split, split.test.pixels, labels, profile="fp32", seed=0)

    assert list(found.absent) == ["last layer, one epoch"]
    assert "does not end in a linear layer" in found.absent["last layer, one epoch"]
    assert len(found.rates) == 2


def test_the_bound_is_exact() -> None:
    """All of 3 flipped: a rate of 0.05 ** (1/3) does that with probability 5 %. None: nothing is known."""
    assert lower_bound(rate(3, 3)) == pytest.approx(0.05 ** (1 / 3))
    assert lower_bound(rate(0, 50)) == 0


@pytest.mark.parametrize(
    ("rates", "claimed", "weak"),
    [
        ((rate(90), rate(60)), 0.25, False),  # strong: no more than 0.25 is claimed
        ((rate(90), rate(20)), lower_bound(rate(20)), False),
        ((rate(90), rate(2)), 0.05, True),
        ((), 0.25, False),
    ],
)
def test_the_weakest_tampering_decides(rates: tuple[TamperingRate, ...], claimed: float, weak: bool) -> None:
    """A weak file claims 0.05, which is what its verdict then excludes."""
    found = Sensitivity(rates=rates)

    assert found.expected_flip_rate == claimed
    assert found.is_weak is weak
