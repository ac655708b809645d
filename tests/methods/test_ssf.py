"""SSF on a classifier whose best sample is known, and on a trained one."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.crafting.margins import top_two_gap
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import LoadingError
from modelprint.methods.ssf import SSF
from modelprint.pixels import Pixels
from modelprint.tensors import to_images
from modelprint.work import Work


def two_classes(steepness: float) -> Classifier:
    """Return a classifier of two grey values a and b: its classes differ by `steepness` (a - 1/2) in their logits."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    network[1].weight.data = torch.tensor([[steepness, 0.0], [0.0, 0.0]])
    network[1].bias.data = torch.tensor([-steepness / 2, 0.0])
    return Classifier(network, image_shape=(1, 1, 2), class_count=2, name="two classes")


def one_image(first: int, second: int) -> tuple[DataSet, Pixels]:
    """Return an image of two grey levels, as data set and as source."""
    pixels = np.array([[[[first, second]]]], dtype=np.uint8)
    part = LabelledImages(pixels=pixels, labels=np.zeros(1, np.int64), class_names=("a", "b"), name="one")
    return DataSet(name="one", train=part, test=part), pixels


def test_the_best_sample_of_two_linear_classes_is_found() -> None:
    """S = 4 e^2 (1 - e)^2 |x|^2: on the steep boundary a = 1/2, and there as bright as the ball lets it be."""
    model, (data, sources) = two_classes(40.0), one_image(102, 76)  # a = 0.4, b = 0.298
    method = SSF(objective="paper-log", radius=0.3, learning_rate=0.02, steps=200, keep="objective", eight_bit=False)

    sample = method.craft(model, data, sources, 0, Work()).images.flatten().tolist()

    brightest = 76 / 255 + math.sqrt(0.3**2 - (0.5 - 102 / 255) ** 2)
    assert sample == pytest.approx([0.5, brightest], abs=0.005)


def test_rounded_and_near_the_boundary_the_kept_sample_leaves_the_margin_asked_for() -> None:
    """Grey levels 127 and 128 are 0.0784 logits from the boundary at steepness 40: too near when 0.1 are asked for."""
    model, (data, sources) = two_classes(40.0), one_image(102, 76)

    def gap(margin: float) -> float:
        images = SSF(radius=0.3, learning_rate=0.02, margin=margin).craft(model, data, sources, 0, Work()).images
        assert torch.equal(images * 255, (images * 255).round())
        return top_two_gap(model.logits(images)).item()

    assert gap(0.001) == pytest.approx(40 * 0.5 / 255, rel=1e-4)
    assert gap(0.1) == pytest.approx(40 * 1.5 / 255, rel=1e-4)


def changes(model: Classifier, split: DataSet, method: SSF) -> Mapping[str, torch.Tensor]:
    """Return how the samples' gap and top-1 probability differ from their sources', and how far they are."""
    sources = pick_sources(split.train, 8, seed=0).pixels
    before, images = to_images(sources), method.craft(model, split, sources, 3, Work()).images
    old, new = model.logits(before), model.logits(images)
    return {
        "gap": top_two_gap(new) - top_two_gap(old),
        "probability": new.softmax(1).amax(1) - old.softmax(1).amax(1),
        "distance": (images - before).flatten(1).norm(dim=1),
        "share": (images - before).flatten(1).norm(dim=1) / before.flatten(1).norm(dim=1),
        "images": images,
    }


def test_the_published_objective_leads_away_from_the_boundary_and_the_papers_towards_it(
    tiny_model: Classifier, split: DataSet
) -> None:
    """Every sample of `released` is surer than its source, every one of `paper-log` less sure."""
    released = changes(tiny_model, split, SSF(objective="released", steps=40, keep="last", eight_bit=False))
    climbed = changes(tiny_model, split, SSF(steps=40))

    assert (released["probability"] > 0).all()
    assert (climbed["gap"] < 0).all()


def test_layers_by_name_lead_to_the_boundary_as_well(tiny_model: Classifier, split: DataSet) -> None:
    """All parameters, convolutions and batch norm included."""
    found = changes(tiny_model, split, SSF(layers=("all",), steps=30, learning_rate=0.01))

    assert found["gap"].median() < -0.1


def test_samples_stay_in_the_ball_or_keep_the_ratio_to_noise(tiny_model: Classifier, split: DataSet) -> None:
    """A radius bounds all alike, 20 dB bound each by a tenth of its own norm; rounding adds half a grey level."""
    rounding = 0.5 * 8 / 255
    far = {"objective": "released", "learning_rate": 0.05, "steps": 20, "keep": "last"}

    in_ball = changes(tiny_model, split, SSF(**far, radius=0.5))
    by_ratio = changes(tiny_model, split, SSF(**far, snr=20.0, eight_bit=False))

    assert 0.4 < in_ball["distance"].max() <= 0.5 + rounding
    assert by_ratio["share"].tolist() == pytest.approx([0.1] * 8, abs=0.005)
    assert by_ratio["share"].max() <= 0.1 + 1e-6


def test_the_stop_rule_ends_with_the_first_step_outside(tiny_model: Classifier, split: DataSet) -> None:
    """As in the paper the last step is kept; when the best is asked for it is one inside. Nothing moves afterwards."""
    rule = {"learning_rate": 0.01, "schedule": "constant", "projection": "stop", "radius": 0.3, "eight_bit": False}

    last = changes(tiny_model, split, SSF(**rule, keep="last", steps=60))
    longer = changes(tiny_model, split, SSF(**rule, keep="last", steps=90))
    best = changes(tiny_model, split, SSF(**rule, keep="objective", steps=60))

    one_step = 0.01 * 8 * 1.01  # Adam moves each of the 64 pixels by little more than its rate
    assert (last["distance"] > 0.3).all() and (last["distance"] <= 0.3 + one_step).all()
    assert torch.equal(last["images"], longer["images"])
    assert (best["distance"] <= 0.3).all()


def test_chunks_change_nothing_but_the_last_bits(tiny_model: Classifier, split: DataSet) -> None:
    """Images do not influence each other: one by one they arrive where they arrive together."""
    settings = {"steps": 5, "keep": "last", "eight_bit": False}

    together = changes(tiny_model, split, SSF(**settings))["images"]
    alone = changes(tiny_model, split, SSF(**settings, chunk=1))["images"]

    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)


def test_gradients_add_up_when_they_are_never_reset(tiny_model: Classifier, split: DataSet) -> None:
    """The first step is the same, later ones go on in the old direction."""
    settings = {"schedule": "constant", "keep": "last", "eight_bit": False}

    def images(steps: int, accumulate: bool) -> torch.Tensor:
        return changes(tiny_model, split, SSF(**settings, steps=steps, accumulate=accumulate))["images"]

    assert torch.equal(images(1, True), images(1, False))
    assert not torch.equal(images(9, True), images(9, False))


def test_progress_ends_when_the_work_does(tiny_model: Classifier, split: DataSet) -> None:
    """One report per step and chunk, counted over all chunks."""
    reported: list[tuple[int, int]] = []
    sources = pick_sources(split.train, 5, seed=0).pixels

    work = Work(progress=lambda phase, done, total: reported.append((done, total)))
    SSF(steps=3, chunk=2).craft(tiny_model, split, sources, 0, work)

    assert reported == [(done, 9) for done in range(10)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be positive, got 0"),
        ({"radius": math.nan}, "radius must be positive, got nan"),
        ({"learning_rate": -0.1}, "learning_rate must be positive, got -0.1"),
        ({"margin": -1.0}, "margin must not be negative"),
        ({"snr": math.inf}, "snr be a number, got 0.001 and inf"),
        ({"layers": ()}, "layers is last, all, or names of parameters, got nothing"),
        ({"layers": ("last", "conv1.*")}, "layers is last, all, or names of parameters, got last,conv1"),
        ({"layers": ("all",), "biases": True}, "biases belongs to layers=last"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """Each names the setting and what was given."""
    with pytest.raises(ValueError, match=message):
        SSF(**settings)


def test_a_classifier_without_the_layers_is_refused(tiny_model: Classifier, split: DataSet) -> None:
    """No parameter of that name, or no linear layer at the end."""
    sources = pick_sources(split.train, 2, seed=0).pixels
    body = nn.Sequential(nn.Conv2d(1, 4, 8), nn.Flatten())
    convolutional = Classifier(body, image_shape=(1, 8, 8), class_count=4, name="convolutional")

    with pytest.raises(ValueError, match=r"no parameter is called 'fc\.weight'; there are convolutions\.0\.weight"):
        SSF(layers=("fc.weight",)).craft(tiny_model, split, sources, 0, Work())
    with pytest.raises(LoadingError, match="convolutional does not end in a linear layer"):
        SSF().craft(convolutional, split, sources, 0, Work())
