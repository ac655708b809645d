"""Universal perturbations: a linear model whose best one is known, counts by hand, resumption, and refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import CraftingError
from modelprint.intervals import exact_interval
from modelprint.ownership import Perturbation, Universal
from modelprint.ownership.uap import judge_pattern
from modelprint.work import Work

QUICK = Universal(radius=40, rate=0.0, steps=60, batch=32)


def linear(weights: list[list[float]]) -> Classifier:
    """Return a classifier of 2x2 grey images whose logits are `weights` x pixels."""
    layer = nn.Linear(4, len(weights), bias=False)
    layer.weight.data = torch.tensor(weights)
    network = nn.Sequential(nn.Flatten(), layer)
    return Classifier(network, image_shape=(1, 2, 2), class_count=len(weights), name="linear")


def greys(*levels: int) -> LabelledImages:
    """Return plain 2x2 images of these grey levels."""
    pixels = np.repeat(np.array(levels, dtype=np.uint8), 4).reshape(-1, 1, 2, 2)
    names = ("dark", "bright")
    return LabelledImages(pixels=pixels, labels=np.zeros(len(levels), dtype=np.int64), class_names=names)


def test_the_best_direction_of_a_linear_model_is_found() -> None:
    """All images are of class 0, ahead by w x pixels: the whole radius against the sign of w."""
    model = linear([[2.0, -1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]])
    data = DataSet(name="greys", train=greys(100, 120, 140), test=greys(90, 110, 130))

    made = Universal(radius=7, rate=0.0, steps=30).craft(model, data, seed=0)

    assert made.levels.flatten().tolist() == [-7, 7, -7, 0]


def test_a_pattern_reaches_what_a_linear_model_allows() -> None:
    """The lead is 1.5 x grey and falls by 3.5 x radius: with 30 levels all below 70 are fooled, with 29 not 68, 69."""
    model = linear([[2.0, -1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]])
    data = DataSet(name="greys", train=greys(50, 60), test=greys(50, 60, 68, 69, 80))

    fooled = [Universal(radius=radius, rate=0.4, steps=60).craft(model, data, seed=0).fooled for radius in (30, 29)]

    assert fooled == [4, 2]


def test_counts_give_the_rate_its_interval_and_its_flags() -> None:
    """8 of 10 is what was asked for, but 8 of 10 may be by chance; 100 of 100 is not."""
    levels = np.zeros((1, 2, 2), dtype=np.int16)
    few = Perturbation(levels=levels, fooled=8, tested=10, wanted=0.7)
    many = Perturbation(levels=levels, fooled=100, tested=100, wanted=0.7)

    assert (few.rate, few.interval, few.reached, few.sure) == (0.8, exact_interval(8, 10), True, False)
    assert (many.reached, many.sure) == (True, True)
    assert "80.0 % of the test images are fooled (44.4 to 97.5; 8 of 10), perhaps fewer than asked (70 %)" in (
        few.summary()
    )
    assert ", as asked (70 %)" in many.summary()


def test_pictures_stay_pictures() -> None:
    """Grey levels are whole and clipped: 5 - 10 is 0, 250 + 10 is 255, 100 + 10 is 110."""
    pattern = Perturbation(levels=np.array([[[-10, 10], [10, 0]]], dtype=np.int16), fooled=0, tested=1, wanted=0.0)

    moved = pattern.on(np.array([[[[5, 250], [100, 7]]]], dtype=np.uint8))

    assert moved.dtype == np.uint8
    assert moved.flatten().tolist() == [0, 255, 110, 7]
    with pytest.raises(ValueError, match=r"for images of shape \(1, 2, 2\), got \(1, 3, 3\)"):
        pattern.on(np.zeros((1, 1, 3, 3), dtype=np.uint8))


def test_the_same_seed_gives_the_same_pattern(tiny_model: Classifier, split: DataSet) -> None:
    """Within the radius; the model stays as it was; noise of the same size fools fewer images."""
    before = tiny_model.digest()

    first, second, other = (QUICK.craft(tiny_model, split, seed) for seed in (1, 1, 2))
    noise = np.random.default_rng(0).choice([-40, 40], first.levels.shape).astype(np.int16)

    assert (first.levels == second.levels).all()
    assert (first.levels != other.levels).any()
    assert abs(first.levels).max() == 40
    assert first.tested == len(split.test)
    assert tiny_model.digest() == before
    assert first.rate > 0.5 > judge_pattern(tiny_model, noise, split.test.pixels).rate


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, tiny_model: Classifier, split: DataSet) -> None:
    """Stopped after a saved state, called again: fewer steps, the same pattern. Another seed starts anew."""
    seen: list[int] = []

    def stop(phase: str, done: int, total: int) -> None:
        if done == 55:
            raise KeyboardInterrupt

    def note(phase: str, done: int, total: int) -> None:
        seen.append(done)

    with pytest.raises(KeyboardInterrupt):
        QUICK.craft(tiny_model, split, 1, Work(folder=tmp_path, progress=stop))

    resumed = QUICK.craft(tiny_model, split, 1, Work(folder=tmp_path, progress=note))

    assert seen == list(range(50, 61))
    assert (resumed.levels == QUICK.craft(tiny_model, split, 1).levels).all()
    QUICK.craft(tiny_model, split, 2, Work(folder=tmp_path, progress=note))
    assert seen[11:13] == [0, 1]


def test_too_few_fooled_images_are_refused(tmp_path: Path, tiny_model: Classifier, split: DataSet) -> None:
    """With counts and what to do; asked again for less, nothing is computed anew."""
    seen: list[int] = []

    def note(phase: str, done: int, total: int) -> None:
        seen.append(done)

    with pytest.raises(CraftingError, match=r"only \d+ of 32 test images are fooled .* larger radius than 1 grey"):
        Universal(radius=1, rate=0.9, steps=5).craft(tiny_model, split, 0, Work(folder=tmp_path))

    Universal(radius=1, rate=0.0, steps=5).craft(tiny_model, split, 0, Work(folder=tmp_path, progress=note))
    assert seen == [5]


def test_a_model_of_other_images_is_refused(tiny_model: Classifier) -> None:
    """Before any work."""
    data = DataSet(name="greys", train=greys(1), test=greys(2))

    with pytest.raises(ValueError, match=r"these pictures have shape \(1, 2, 2\) and are for 2"):
        Universal().craft(tiny_model, data, 0)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"radius": 0}, "radius is 1 to 255"),
        ({"radius": 256}, "radius is 1 to 255"),
        ({"rate": 1.1}, "rate is the share"),
        ({"temperature": 0.0}, "temperature is a number of logits"),
        ({"temperature": float("nan")}, "temperature is a number of logits"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"images": 0}, "images must be at least 1"),
        ({"momentum": 1.0}, "momentum is a part"),
        ({"step": 0.0}, "step is a part"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], complaint: str) -> None:
    """At once, with the value that was given."""
    with pytest.raises(ValueError, match=complaint):
        Universal(**settings)
