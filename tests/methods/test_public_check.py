"""PublicCheck on a generator whose latents are the images and a model whose boundary is known: mean grey of 127.5."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.methods import METHODS, LabelsOnly
from modelprint.methods.method import Crafted
from modelprint.methods.public_check import Featuriser, PublicCheck
from modelprint.pixels import Pixels
from modelprint.progress import ignore_progress
from modelprint.tensors import Images, Labeller, Labels, to_pixels
from modelprint.work import Work

ONE = PublicCheck(rate=0.02, steps=40, noise="uniform", naturalness="none")


class Same:
    """A generator whose latents are the images themselves."""

    latent_shape = (1, 8, 8)

    def encode(self, images: Images) -> Tensor:
        return images

    def decode(self, latents: Tensor) -> Images:
        return latents.clamp(0, 1)


def bright(pixels: Pixels, limit: float = 127.5) -> Labels:
    """Class 1 where the mean grey level is above the limit."""
    return torch.from_numpy((pixels.reshape(len(pixels), -1).mean(1) > limit).astype(np.int64))


def greys(*levels: int) -> Pixels:
    """Images of one grey level each."""
    return np.stack([np.full((1, 8, 8), level, np.uint8) for level in levels])


def crafted(
    method: PublicCheck,
    data: DataSet,
    sources: Pixels,
    *,
    label: Labeller = bright,
    features: Featuriser | None = None,
    seed: int = 0,
) -> Crafted:
    """Run `method` with the generator above."""
    return method.craft_with(Same(), label, features, data, sources, seed, Work())


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
def test_inner_and_outer_images_are_on_either_side(noise: str, split: DataSet) -> None:
    """Pairs of each of the first sources; the inner image has the label of the start, the outer one another."""
    method = replace(ONE, noise=noise, rate=0.1, steps=400)
    sources = greys(122, 133, 124, 130, 0, 0, 0, 0)

    made = crafted(method, split, sources)

    labels = bright(to_pixels(made.images))
    assert made.usable.all()
    assert made.rows.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert labels[::2].tolist() == [0, 1, 0, 1]
    assert labels[1::2].tolist() == [1, 0, 1, 0]


def test_the_smaller_the_rate_the_closer_to_the_boundary(split: DataSet) -> None:
    """With steps of r on every value, neither image is further from the boundary than r, and a level for rounding."""
    sources = greys(*range(90, 106))

    distances = {}
    for rate in (0.1, 0.02, 0.005):
        images = crafted(replace(ONE, rate=rate, steps=400), split, sources).images
        distances[rate] = (images.mean((1, 2, 3)) - 0.5).abs().max().item()

    assert all(distance <= rate + 1 / 255 for rate, distance in distances.items())
    assert distances[0.005] < distances[0.02] < distances[0.1]


def test_a_walk_that_finds_nothing_starts_again_the_other_way(split: DataSet) -> None:
    """Down from 102 there is no boundary: after all steps the walk is back at the start and goes up."""
    seen: list[list[float]] = [[] for _ in range(4)]
    starts = (101, 102, 103, 104)

    def label(pixels: Pixels) -> Labels:
        for mean in pixels.reshape(len(pixels), -1).mean(1):
            if mean < 127.5:  # the walks stay less than a step apart from each other only while they are below
                seen[int(min(range(4), key=lambda k: abs((mean - starts[k] + 2.5) % 5 - 2.5)))].append(mean)
        return bright(pixels)

    method = replace(ONE, rate=5 / 255, steps=10, sides="inner")
    made = crafted(method, split, greys(*starts), label=label)

    assert made.usable.all()
    for start, means in zip(starts, seen, strict=True):
        down, up = [start - 5 * k for k in range(1, 11)], [start + 5 * k for k in range(1, 7) if start + 5 * k < 127.5]
        assert means in ([start, *down, *up], [start, *up])
    assert {len(means) > 10 for means in seen} == {False, True}  # both signs were drawn


def test_walks_that_find_nothing_are_given_up(split: DataSet) -> None:
    """A label that never changes: no sample is usable, and as many are returned as were asked for."""
    made = crafted(ONE, split, greys(1, 2, 3), label=lambda pixels: torch.zeros(len(pixels), dtype=torch.int64))

    assert made.usable.tolist() == [False] * 3
    assert made.images.shape == (3, 1, 8, 8)
    assert made.rows.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("sides", "labels"), [("inner", [0, 0, 1]), ("outer", [1, 1, 0])])
def test_one_side_alone_takes_every_source(sides: str, labels: list[int], split: DataSet) -> None:
    """One image of each."""
    made = crafted(replace(ONE, sides=sides), split, greys(100, 110, 140))

    assert made.rows.tolist() == [0, 1, 2]
    assert bright(to_pixels(made.images)).tolist() == labels


def test_bisecting_leaves_one_grey_level(split: DataSet) -> None:
    """Between the two images of a pair, in a single value; their labels stay."""
    sources = pick_sources(split.train, 8, seed=0).pixels
    method = replace(ONE, rate=0.3, steps=50, refine="bisect")

    made = crafted(method, split, sources)

    pixels = to_pixels(made.images).astype(int)
    assert made.usable.all()
    assert np.abs(pixels[::2] - pixels[1::2]).sum((1, 2, 3)).tolist() == [1] * 4
    labels = bright(to_pixels(made.images))
    assert (labels[::2] != labels[1::2]).all()


def test_a_walk_is_the_same_alone_and_in_company(split: DataSet) -> None:
    """Its random numbers are its own."""
    method = replace(ONE, noise="gaussian", rate=0.1, steps=100, sides="outer")
    sources = greys(100, 150, 110)

    together, alone = crafted(method, split, sources, seed=3), crafted(method, split, sources[:1], seed=3)

    assert torch.equal(together.images[:1], alone.images)
    assert not torch.equal(together.images, crafted(method, split, sources, seed=4).images)


def test_an_image_that_stays_the_same_is_asked_about_once(split: DataSet) -> None:
    """A step of a hundredth of a level: the first hundred steps round to three images at most."""
    asked: list[int] = []

    def label(pixels: Pixels) -> Labels:
        asked.append(len(pixels))
        return bright(pixels)

    crafted(replace(ONE, rate=0.01 / 255, steps=100), split, greys(100), label=label)

    assert sum(asked) <= 5


def test_what_has_the_same_codes_is_not_decoded_again(split: DataSet) -> None:
    """A codebook of sixteen greys, steps of a hundredth: the images are those of a walk that decodes every time."""
    decoded: list[int] = []

    class Greys(Same):
        def decode(self, latents: Tensor) -> Images:
            decoded.append(len(latents))
            return (latents.clamp(0, 1) * 15).round() / 15

    class Coded(Greys):
        def nearest(self, latents: Tensor) -> Tensor:
            return (latents.clamp(0, 1) * 15).round().long()

    method = replace(ONE, rate=0.01, steps=100)
    plain = method.walk(Greys(), bright, split, greys(60, 90, 200), 0, ignore_progress)
    every = sum(decoded)
    coded = method.walk(Coded(), bright, split, greys(60, 90, 200), 0, ignore_progress)

    assert np.array_equal(plain.inner, coded.inner) and np.array_equal(plain.outer, coded.outer)
    assert sum(decoded) - every < every / 4


@pytest.mark.parametrize("noise", ["uniform", "gaussian"])
def test_a_single_attribute_moves_one_latent_one_way(noise: str, split: DataSet) -> None:
    """The four values that vary most over the training images, in turn; up or down, never both."""
    seen: list[Tensor] = []

    class Watched(Same):
        def decode(self, latents: Tensor) -> Images:
            seen.append(latents.flatten(1))
            return super().decode(latents)

    method = replace(ONE, attributes="single", noise=noise, rate=0.01, steps=5)
    method.walk(Watched(), lambda pixels: 0 * bright(pixels), split, greys(*[120] * 6), 0, ignore_progress)

    ways = [(later - sooner).sign() for sooner, later in pairwise(seen[:6])]
    assert all(torch.equal(way, ways[0]) for way in ways)
    assert ways[0].abs().sum(1).tolist() == [1] * 6
    moved = ways[0].abs().argmax(1).tolist()
    spread = split.train.pixels.reshape(64, -1).astype(float).var(0)
    assert moved == [*np.argsort(-spread)[:4], *np.argsort(-spread)[:2]]
    torch.testing.assert_close(seen[6] - seen[0], -(seen[6] - seen[0]).abs() * ways[0])


def test_images_that_are_not_natural_are_given_up(split: DataSet) -> None:
    """Features by which images are distinguished by their mean grey alone: those of the data pass, pale ones do not."""

    def features(images: Images) -> Tensor:
        means = images.mean((1, 2, 3))
        return torch.stack([means, 1 - means], dim=1)

    def above(limit: int) -> Labeller:
        return lambda pixels: bright(pixels, limit)

    method = replace(ONE, sides="inner", steps=100)
    sources = pick_sources(split.train, 8, seed=0).pixels

    own = crafted(method, split, sources, features=features, label=above(115))
    pale = crafted(method, split, greys(*[250] * 8), features=features, label=above(230))

    assert own.usable.any()
    assert own.notes["starts"] == "8 of 8 reconstructions have the label of their source"
    assert bright(to_pixels(pale.images), 230).tolist() == [1] * 8
    assert not pale.usable.any()


@pytest.mark.parametrize("method", [ONE, replace(ONE, refine="bisect"), replace(ONE, sides="outer", steps=7)])
def test_no_more_is_asked_than_announced(method: PublicCheck, split: DataSet) -> None:
    """Nor without an answer ever changing."""
    for label in (bright, lambda pixels: 0 * bright(pixels)):
        asked: list[int] = []

        def count(pixels: Pixels, label: Labeller = label, asked: list[int] = asked) -> Labels:
            asked.append(len(pixels))
            return label(pixels)

        crafted(method, split, greys(90, 100, 110, 120, 130), label=count)

        assert 0 < sum(asked) <= method.most_questions(5)


@pytest.mark.parametrize("naturalness", ["generator", "target", "none"])
def test_a_real_generator_goes_with_every_judge(naturalness: str, tiny_model: Classifier, split: DataSet) -> None:
    """A tiny VQ-VAE and a tiny network; the method needs the network itself for one of them only."""
    settings = ("epochs=2", "batch=16", "width=8", "codes=8")
    method = PublicCheck(rate=0.3, steps=20, generator_settings=settings, naturalness=naturalness)
    sources = pick_sources(split.train, 6, seed=0).pixels

    made = method.craft(tiny_model, split, sources, 0, Work())

    assert made.images.shape == (6, 1, 8, 8)
    assert isinstance(method, LabelsOnly)
    if naturalness == "target":
        with pytest.raises(ValueError, match="needs the target's features, but only its labels are given"):
            method.craft_from_labels(bright, split, sources, 0, Work())


def test_walking_reports_every_step(split: DataSet) -> None:
    """From nothing to twice the steps."""
    reported: list[tuple[int, int]] = []

    ONE.walk(Same(), bright, split, greys(100), 0, lambda phase, done, total: reported.append((done, total)))
    ONE.walk(Same(), bright, split, greys(100), 0, ignore_progress)

    assert reported[0] == (0, 80) and reported[-1] == (80, 80)
    assert reported == sorted(reported)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"rate": "0"}, "rate is the length of a step"),
        ({"steps": "0"}, "steps and attribute_count are at least 1"),
        ({"attribute_count": "0"}, "steps and attribute_count are at least 1"),
        ({"generator": "magic"}, "there is no 'magic'"),
        ({"generator_settings": "epochs"}, "written NAME=VALUE"),
        ({"generator_settings": "epoch=3"}, "vq-vae has no setting 'epoch'"),
        ({"sides": "upper"}, "sides is one of both, inner, outer"),
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, str], reason: str) -> None:
    """Before any work."""
    from modelprint.settings import build

    with pytest.raises(ValueError, match=reason):
        build(METHODS, "public-check", setting)
