"""C-examples: one step by hand, the filter, reproducibility, resumption, and what is dropped."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.frequency import dct
from modelprint.errors import CraftingError
from modelprint.ownership import VARIANTS, CExamples
from modelprint.streams import stream
from modelprint.tensors import to_images
from modelprint.work import Work

QUICK = {
    "vanilla": CExamples(steps=30),
    "rc": CExamples(steps=30, noise=0.01),
    "rc-gm": CExamples(steps=20, noise=0.01, draws=3),
    "ltrc": CExamples(steps=30, noise=0.01, band=2),
}


def linear(weights: list[list[float]], scale: float = 1.0) -> Classifier:
    """Return a classifier of 2x2 grey images whose logits are `scale` x `weights` x pixels."""
    layer = nn.Linear(4, len(weights), bias=False)
    layer.weight.data = scale * torch.tensor(weights)
    network = nn.Sequential(nn.Flatten(), layer)
    return Classifier(network, image_shape=(1, 2, 2), class_count=len(weights), name="linear")


def test_one_step_goes_against_the_sign_of_the_gradient() -> None:
    """Towards class 0 with weights 1, -1, 1, 0 against 0: each pixel moves by 0.1, one without weight stays."""
    model = linear([[1.0, -1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    start = torch.tensor([0.5, 0.5, 0.95, 0.5]).view(1, 1, 2, 2)

    moved = CExamples(steps=1, step=0.1, last_step=0.1).descend(model, start, torch.tensor([0]), 0, Work())

    assert moved.flatten().tolist() == pytest.approx([0.6, 0.4, 1.0, 0.5])


def test_steps_shrink_linearly() -> None:
    """From the first length to the last; a single step has the first."""
    settings = CExamples(steps=5, step=0.01, last_step=0.002)

    assert [settings.step_length(i) for i in range(5)] == pytest.approx([0.01, 0.008, 0.006, 0.004, 0.002])
    assert CExamples(steps=1).step_length(0) == 0.01


def test_a_step_takes_its_gradient_at_moved_weights() -> None:
    """Class 1 is ahead by a hair that the noise of a known draw turns around for one pixel."""
    model = linear([[0.0, 0.0, 0.0, 0.0], [0.001, 0.001, 0.001, 0.001]])
    settings = CExamples(steps=1, step=0.1, last_step=0.1, noise=0.5)
    start = torch.full((1, 1, 2, 2), 0.5)

    moved = settings.descend(model, start, torch.tensor([1]), 3, Work())

    noise = torch.rand(8, generator=stream(3, "c-examples", "weights", 0)).sub(0.5).view(2, 4)
    expected = 0.5 + 0.1 * torch.sign(noise[1] + 0.001 - noise[0])
    assert moved.flatten().tolist() == pytest.approx(expected.tolist())
    assert set(moved.flatten().tolist()) != {0.6}


@pytest.mark.parametrize("name", QUICK)
def test_examples_carry_their_label_and_are_reproducible(name: str, tiny_model: Classifier) -> None:
    """The same seed gives the same pixels, another gives others; the model stays as it was."""
    before = tiny_model.digest()

    first, second, other = (QUICK[name].craft(tiny_model, 12, seed) for seed in (1, 1, 2))

    assert len(first) + first.missed + first.lost == first.asked == 12
    assert (tiny_model.labels(to_images(first.pixels)) == first.labels).all()
    assert (first.pixels == second.pixels).all()
    assert (first.labels == second.labels).all()
    assert first.pixels.shape != other.pixels.shape or (first.pixels != other.pixels).any()
    assert tiny_model.digest() == before
    assert f"{len(first)} of 12 examples" in first.summary()


@pytest.mark.parametrize("band", [0, 2])
def test_iterates_stay_in_range_but_for_the_filter(band: int, tiny_model: Classifier) -> None:
    """Without filter all images are in [0, 1]; with it they have no frequency of the band left."""
    start, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])

    images = CExamples(steps=5, band=band).descend(tiny_model, start, labels, 0, Work())

    coefficients = dct(images.double())[:, 0]
    low = coefficients[:, 1, 0].abs() + coefficients[:, 0, 2].abs() + coefficients[:, 1, 1].abs()
    if band:
        assert low.max() < 1e-5
    else:
        assert low.min() > 1e-3
        assert images.min() >= 0
        assert images.max() <= 1
    assert coefficients[:, 0, 0].abs().min() > 0.1


def test_chunks_change_nothing(tiny_model: Classifier) -> None:
    """Three at a time or all at once: the same draws, so the same images up to rounding."""
    start, labels = torch.rand(8, 1, 8, 8), torch.arange(8) % 4
    settings = CExamples(steps=4, noise=0.01, draws=2)

    whole = settings.descend(tiny_model, start, labels, 0, Work())
    parts = replace(settings, chunk=3).descend(tiny_model, start, labels, 0, Work())

    assert torch.allclose(whole, parts, atol=1e-6)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, tiny_model: Classifier) -> None:
    """Stopped after a saved state, called again: fewer steps and the same pixels. Another seed starts anew."""
    seen: list[int] = []

    def stop(phase: str, done: int, total: int) -> None:
        if done == 23:
            raise KeyboardInterrupt

    def note(phase: str, done: int, total: int) -> None:
        seen.append(done)

    with pytest.raises(KeyboardInterrupt):
        QUICK["ltrc"].craft(tiny_model, 6, 1, Work(folder=tmp_path, progress=stop))

    resumed = QUICK["ltrc"].craft(tiny_model, 6, 1, Work(folder=tmp_path, progress=note))

    assert seen == list(range(20, 31))
    assert (resumed.pixels == QUICK["ltrc"].craft(tiny_model, 6, 1).pixels).all()
    QUICK["ltrc"].craft(tiny_model, 6, 2, Work(folder=tmp_path, progress=note))
    assert seen[11:13] == [0, 1]


def test_an_example_whose_label_does_not_survive_is_dropped_and_counted() -> None:
    """Labels that hang on a thousandth of a grey level go; the class that a rounded image gets stays."""
    sharp = _ByRounding()
    model = Classifier(sharp, image_shape=(1, 2, 2), class_count=2, name="sharp")

    examples = CExamples(steps=1).craft(model, 20, 0)

    assert examples.labels.tolist() == [1] * len(examples)
    assert examples.lost > 0
    assert len(examples) + examples.missed + examples.lost == 20


class _ByRounding(nn.Module):
    """Class 1 for images of whole grey levels, class 0 for all others; a gradient of nothing."""

    def forward(self, images: Tensor) -> Tensor:
        levels = images * 255
        off = (levels - levels.round()).abs().flatten(1).amax(1) > 1e-3
        score = off.to(images.dtype) + 0 * images.flatten(1).sum(1)
        return torch.stack([score, 1 - score], 1)


def test_when_no_example_is_left_it_is_an_error() -> None:
    """A model that knows one answer only, asked for another."""
    model = linear([[0.0] * 4, [0.0] * 4, [0.0] * 4])
    model.network[1].bias = nn.Parameter(torch.tensor([0.0, 0.0, 9.0]))
    seed = next(s for s in range(100) if torch.randint(3, (1,), generator=stream(s, "c-examples", "labels")) == 0)

    with pytest.raises(CraftingError, match="none of 1 examples carries its label"):
        CExamples(steps=2).craft(model, 1, seed)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"noise": -0.1}, "noise is the largest change"),
        ({"noise": float("nan")}, "noise is the largest change"),
        ({"draws": 0}, "draws must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"chunk": 0}, "chunk must be at least 1"),
        ({"band": -1}, "band is the highest frequency"),
        ({"step": 0.01, "last_step": 0.02}, "steps shrink"),
        ({"step": 2.0}, "steps shrink"),
        ({"draws": 10}, "without noise all gradients are the same"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], complaint: str) -> None:
    """At once, with the value that was given."""
    with pytest.raises(ValueError, match=complaint):
        CExamples(**settings)


def test_what_does_not_fit_the_model_is_refused(tiny_model: Classifier) -> None:
    """A band that leaves no frequency, no examples, and noise where no layer is to be seen."""
    with pytest.raises(ValueError, match=r"band 14 takes every frequency of a 8x8 image away; .* is 13"):
        CExamples(band=14).craft(tiny_model, 2, 0)
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        CExamples().craft(tiny_model, 0, 0)
    bare = Classifier(nn.Flatten(), image_shape=(1, 2, 2), class_count=4)
    with pytest.raises(ValueError, match="needs convolutions or linear layers"):
        CExamples(noise=0.1).craft(bare, 2, 0)


def test_the_variants_are_the_published_ones() -> None:
    """500 steps all; noise, draws and band as in the text and Table 2."""
    made = {name: make() for name, make in VARIANTS.items()}

    assert {name: (one.noise, one.draws, one.band, one.steps) for name, one in made.items()} == {
        "vanilla": (0.0, 1, 0, 500),
        "rc": (0.01, 1, 0, 500),
        "rc-gm": (0.01, 10, 0, 500),
        "ltrc": (0.03, 1, 2, 500),
    }
