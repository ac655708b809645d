"""Sealed scores: log-probabilities of the reference, the largest change, and its null, by hand."""

import math

import pytest
import torch

from modelprint.calibration.noise import Noise
from modelprint.calibration.scores import expected_scores, record_scores

REFERENCE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [8.0, 0.0]], dtype=torch.float64)


def shifted(*gaps: float) -> torch.Tensor:
    """Return the reference with the logit of the first class moved by each of `gaps`."""
    return REFERENCE + torch.tensor([[gap, 0.0] for gap in gaps], dtype=torch.float64)


def test_floor_and_null_are_those_of_the_samples() -> None:
    """At equal logits a gap of 0.002 moves both log-probabilities by 0.001, at eight apart the smaller one by 0.01."""
    noise = Noise(logits={"float64": REFERENCE, "a": shifted(2e-3, 0, 1e-2), "b": shifted(0, 1e-3, 0)})

    record = record_scores(noise, [0, 1])

    assert record.floor == pytest.approx(1e-3, rel=1e-3)
    assert record.variants["a"] == record.floor
    assert record.variants["b"] == pytest.approx(1e-3 / (1 + math.exp(-1)), rel=1e-3)
    assert record.null == pytest.approx((1.0, 0.0), abs=1e-3)


def test_images_that_are_no_samples_count_for_the_rate() -> None:
    """One answer of six is more than three floors away: the bound of 1 of 6 at 95 % is 0.582."""
    noise = Noise(logits={"float64": REFERENCE, "a": shifted(2e-3, 0, 1e-2), "b": shifted(0, 1e-3, 0)})

    record = record_scores(noise, [0, 1])

    assert record.answers == 6
    assert record.differ_rate == pytest.approx(0.582, abs=1e-3)
    assert record_scores(noise, [0, 1, 2]).differ_rate == pytest.approx(1 - 0.05 ** (1 / 6), abs=1e-3)


def test_scores_are_log_probabilities_of_the_reference() -> None:
    """In the order of the samples; those of controls beside them."""
    noise = Noise(logits={"float64": REFERENCE, "a": shifted(0, 0, 0)})

    record = record_scores(noise, [2, 0], controls=REFERENCE[1:2])

    assert record.samples[1].logs == pytest.approx((math.log(0.5),) * 2)
    assert record.samples[0].logs[1] == pytest.approx(-8 - math.log(1 + math.exp(-8)))
    assert record.controls[0].logs[0] == pytest.approx(-math.log(1 + math.exp(-1)))
    assert record.floor == 1e-7


def test_of_many_classes_the_most_probable_are_kept() -> None:
    """A hundred of 150, with the probability of the others."""
    logits = torch.arange(150, dtype=torch.float64)[None] / 10

    (kept,) = expected_scores(logits)

    assert kept.classes[:2] == (149, 148)
    assert len(kept.logs) == 100
    assert kept.rest == pytest.approx(float(logits.softmax(1)[0, :50].sum()))


def test_one_way_of_serving_has_no_noise() -> None:
    """There is nothing to compare the reference with."""
    with pytest.raises(ValueError, match="at least one way of serving besides the reference"):
        record_scores(Noise(logits={"float64": REFERENCE}), [0])
