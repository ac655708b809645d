"""SSF-BO: its objective by hand, what stops the published search, and how far a sample may go."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.methods.ssf_bo import SSFBO, Objective, build_score, log_sensitivity, sensitivity
from modelprint.tensors import to_images
from modelprint.work import Work

pytest.importorskip("botorch")

SMALL = ("latents=2", "hidden=16", "epochs=2", "batch=16")


class Pixels(nn.Module):
    """The classes compete by the grey levels of two pixels alone; `scale` makes it as sure as one likes."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.head = nn.Linear(64, 2, bias=False)
        self.head.weight.data = torch.zeros(2, 64)
        self.head.weight.data[0, 0] = self.head.weight.data[1, 1] = scale

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        return self.head(images.flatten(1))


def pixels(scale: float) -> Classifier:
    """Return a two-class model whose boundary is where two pixels are equally bright."""
    return Classifier(Pixels(scale), image_shape=(1, 8, 8), class_count=2)


def image(first: float, second: float) -> Tensor:
    """Return an image that is 0.5 but for the two pixels that matter."""
    made = torch.full((1, 1, 8, 8), 0.5)
    made[0, 0, 0, :2] = torch.tensor([first, second])
    return made


def test_the_objective_is_what_it_is_by_hand() -> None:
    """H = (3, 4) and p = (0.5, 0.25, 0.25): 5 sqrt(0.25^2 + 2 * 0.1875^2)."""
    features, logits = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.5, 0.25, 0.25]]).log()

    value = sensitivity(features, logits)

    assert value.item() == pytest.approx(5 * (0.0625 + 2 * 0.03515625) ** 0.5, rel=1e-6)
    assert log_sensitivity(features, logits).exp().item() == pytest.approx(value.item(), rel=1e-6)


def test_the_logarithm_holds_where_the_objective_is_lost() -> None:
    """Two logits 100 apart: p (1 - p) is exp(-100) for both classes, 0 in float32; its logarithm is right."""
    features, logits = torch.ones(1, 1), torch.tensor([[100.0, 0.0]])

    assert sensitivity(features, logits).item() == 0
    assert log_sensitivity(features, logits).item() == pytest.approx(-100 + 0.5 * 0.6931, abs=1e-3)


def test_only_the_gradient_of_the_logarithm_survives_saturation() -> None:
    """The published one is exactly zero; the other points at the boundary."""
    source = image(1.0, 0.0)
    gradients = {}
    for objective in ("published", "log"):
        x = source.clone().requires_grad_()
        build_score(pixels(200.0), objective)(x).sum().backward()
        gradients[objective] = x.grad

    assert not gradients["published"].any()
    assert gradients["log"][0, 0, 0, 0] < -100 and gradients["log"][0, 0, 0, 1] > 100


@pytest.mark.parametrize(("objective", "moves"), [("published", False), ("log", True)])
def test_a_saturated_source_holds_only_the_published_search(objective: Objective, moves: bool, split: DataSet) -> None:
    """With its logarithm the local search ends on the boundary; without it, where it began."""
    source = (image(1.0, 0.0) * 255).round().to(torch.uint8).numpy()

    crafted = SSFBO(search="local", objective=objective).craft(pixels(200.0), split, source, 0, Work())

    gap = pixels(200.0).logits(crafted.images).diff().abs().item()
    assert torch.equal(crafted.images, to_images(source)) == (not moves)
    assert (gap < 1) == moves


@pytest.mark.parametrize("numerical", [False, True])
def test_a_limit_ends_the_local_search(numerical: bool, split: DataSet) -> None:
    """One step of L-BFGS-B leaves the image where it is not yet on the boundary."""
    source = (image(0.6, 0.4) * 255).round().to(torch.uint8).numpy()

    first, last = (
        SSFBO(search="local", objective="log", numerical=numerical, limit=limit)
        .craft(pixels(20.0), split, source, 0, Work())
        .images
        for limit in (1, 100)
    )

    gaps = [pixels(20.0).logits(found).diff().abs().item() for found in (first, last)]
    assert not torch.equal(first, to_images(source))
    assert gaps[1] < gaps[0]


def test_numerical_gradients_lead_to_the_same_place(split: DataSet) -> None:
    """From a source that is not saturated, within a small ball."""
    source = (image(0.6, 0.4) * 255).round().to(torch.uint8).numpy()

    ends = [
        SSFBO(search="local", numerical=numerical, radius=0.3).craft(pixels(5.0), split, source, 0, Work()).images
        for numerical in (False, True)
    ]

    assert torch.allclose(ends[0], ends[1], atol=1e-3)
    assert not torch.equal(ends[0], to_images(source))


SEARCHES: dict[str, dict[str, object]] = {
    "bo": {"iterations": 3, "generator_settings": SMALL, "eight_bit": False},
    "local": {"search": "local", "objective": "log"},
}


@pytest.mark.parametrize("search", SEARCHES)
def test_samples_stay_in_the_ball(search: str, tiny_model: Classifier, split: DataSet) -> None:
    """Within the radius and in [0, 1]; without one a sample goes further."""
    sources = pick_sources(split.train, 6, seed=0).pixels

    near, far = (
        SSFBO(radius=radius, **SEARCHES[search]).craft(tiny_model, split, sources, 0, Work()).images  # type: ignore[arg-type]
        for radius in (0.4, None)
    )

    start = to_images(sources)
    assert (near - start).flatten(1).norm(dim=1).max() <= 0.4 + 1e-6
    assert (far - start).flatten(1).norm(dim=1).median() > 0.4
    assert near.min() >= 0 and near.max() <= 1


def test_the_best_of_all_that_was_tried_is_the_sample(tiny_model: Classifier, split: DataSet) -> None:
    """No sample scores below the reconstruction of its source; more iterations never make one worse."""
    sources = pick_sources(split.train, 6, seed=0).pixels
    score = build_score(tiny_model, "published")

    values = [
        score(SSFBO(iterations=n, generator_settings=SMALL).craft(tiny_model, split, sources, 0, Work()).images)
        for n in (0, 8)
    ]

    assert (values[1] >= values[0] - 1e-6).all()
    assert (values[1] > values[0]).any()


def test_an_interrupted_search_goes_on_where_it_was(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Stopped after eleven iterations, it begins at ten and ends with the same samples."""
    sources = pick_sources(split.train, 4, seed=0).pixels
    method = SSFBO(iterations=12, generator_settings=SMALL)
    whole = method.craft(tiny_model, split, sources, 0, Work()).images
    seen: list[int] = []

    def stop(phase: str, done: int, total: int) -> None:
        if (phase, done) == ("searching", 11):
            raise KeyboardInterrupt

    def note(phase: str, done: int, total: int) -> None:
        if phase == "searching":
            seen.append(done)

    with pytest.raises(KeyboardInterrupt):
        method.craft(tiny_model, split, sources, 0, Work(folder=tmp_path, progress=stop))
    resumed = method.craft(tiny_model, split, sources, 0, Work(folder=tmp_path, progress=note)).images

    assert seen == [10, 11, 12]
    assert torch.equal(resumed, whole)


def test_a_network_without_a_last_linear_layer_is_refused(split: DataSet) -> None:
    """Whatever the search; the message says what is missing."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Tanh())
    model = Classifier(network, image_shape=(1, 8, 8), class_count=4, name="rounded")
    sources = pick_sources(split.train, 1, seed=0).pixels

    for method in (SSFBO(), SSFBO(search="local")):
        with pytest.raises(LoadingError, match="does not end in a linear layer"):
            method.craft(model, split, sources, 0, Work())


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"radius": 0.0}, "radius"),
        ({"radius": float("nan")}, "radius"),
        ({"iterations": -1}, "iterations"),
        ({"chunk": 0}, "chunk"),
        ({"length_scale": 0.0}, "length_scale"),
        ({"weight": -1.0}, "weight"),
        ({"generator": "gan"}, "gan"),
        ({"generator_settings": ("latents=0",)}, "latents"),
        ({"generator_settings": ("colour=1",)}, "colour"),
    ],
)
def test_impossible_settings_are_refused(wrong: Mapping[str, object], word: str) -> None:
    """When the method is set up, with the word that is wrong."""
    with pytest.raises(ValueError, match=word):
        SSFBO(**wrong)  # type: ignore[arg-type]
