"""Honest flips are counted over ways of serving and batches, and bound the flip rate."""

from functools import partial

import pytest
import torch

from modelprint.calibration import PROFILES, Forms, Noise, Profile, measure
from modelprint.calibration.flips import Flips, count_flips
from modelprint.calibration.variants.fp32 import float32, float64
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tensors import Images, Logits


def near_misses(forms: Forms, images: Images, *, share: float) -> Logits:
    """Answer the second class instead of the first for a share of every batch, at its beginning."""
    logits = float32(forms, images)
    top = logits.topk(2, dim=1).indices
    rows = torch.arange(int(share * len(logits)))
    logits[rows, top[rows, 1]] = logits[rows, top[rows, 0]] + 1
    return logits


def test_a_steady_model_has_no_flip(tiny_model: Classifier, split: DataSet) -> None:
    """At least as many answers as were asked for; none differs."""
    forms, pixels = Forms(tiny_model), split.test.pixels
    noise = measure(forms, pixels, PROFILES["exact"])

    found = count_flips(forms, pixels, noise.labels, PROFILES["exact"], measured=noise, answers=100, seed=0)

    assert found == Flips(answers=128, flips=0)
    assert found.bound == pytest.approx(1 - 0.05 ** (1 / 128))


def test_flips_of_each_way_of_serving_count_once_for_each_answer(tiny_model: Classifier, split: DataSet) -> None:
    """Two ways take turns; one flips a quarter of every batch. Samples are repeated until they fill a batch."""
    ways = {"float64": float64, "plain": float32, "odd": partial(near_misses, share=0.25)}
    profile = Profile(name="odd", variants=ways)
    forms, pixels = Forms(tiny_model), split.test.pixels[:8]
    noise = measure(forms, pixels, profile)

    found = count_flips(forms, pixels, noise.labels, profile, measured=noise, answers=256, seed=0)

    assert found == Flips(answers=256, flips=32)


def test_a_tie_counts_as_a_flip(tiny_model: Classifier, split: DataSet) -> None:
    """Which class an endpoint names then is chance."""
    profile = Profile(name="flat", variants={"flat": lambda forms, images: 0 * float32(forms, images)})
    pixels = split.test.pixels[:2]
    noise = Noise(logits={"flat": torch.zeros(2, 4, dtype=torch.float64)})

    found = count_flips(
        Forms(tiny_model), pixels, torch.zeros(2, dtype=torch.int64), profile, measured=noise, answers=1, seed=0
    )

    assert found.flips == found.answers == 64


def test_what_is_impossible_here_is_left_out(tiny_model: Classifier, split: DataSet) -> None:
    """As when the noise was measured."""

    def broken(forms: Forms, images: Images) -> Logits:
        raise RuntimeError("not here")

    profile = Profile(name="partly", variants={"float32, batch 1": float32, "broken": broken})
    forms, pixels = Forms(tiny_model), split.test.pixels
    noise = measure(forms, pixels, profile)

    found = count_flips(forms, pixels, noise.labels, profile, measured=noise, answers=200, seed=0)

    assert found.flips == 0


def test_scores_that_move_too_far_are_counted_too(tiny_model: Classifier, split: DataSet) -> None:
    """A log-probability that moves by a tenth differs when a hundredth is allowed, and no label flips."""

    def lower_last(forms: Forms, images: Images) -> Logits:
        logits = float32(forms, images)
        last = logits.argmin(1, keepdim=True)
        return logits.scatter_add(1, last, torch.full_like(logits[:, :1], -0.1))

    profile = Profile(name="odd", variants={"float64": float64, "plain": float32, "lower": lower_last})
    forms, pixels = Forms(tiny_model), split.test.pixels[:8]
    noise = measure(forms, pixels, profile)
    sealed = noise.reference

    found, lenient = (
        count_flips(forms, pixels, noise.labels, profile, measured=noise, answers=128, seed=0, scores=(sealed, reach))
        for reach in (1e-2, 1.0)
    )

    assert (found.answers, found.flips, found.differing) == (128, 0, 64)
    assert lenient.differing == 0
