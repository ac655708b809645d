"""Rounding by search: on a network of one matrix the gaps are known, and so is what rounding does to them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.errors import CraftingError
from modelprint.generation.rounding import (
    RoundingSearch,
    adapt_settings,
    parse_rounding,
    round_by_search,
    round_nearest,
)
from modelprint.pixels import Pixels
from modelprint.streams import stream
from modelprint.tensors import Images, to_images, to_pixels
from modelprint.work import Work

SHAPE = (1, 8, 8)
QUICK = RoundingSearch(rounds=1, pixels=8, pairs=400, candidates=8, near=math.inf)


@pytest.fixture
def linear() -> Classifier:
    """A network of one matrix that knows four classes."""
    layer = nn.Linear(64, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=stream(0, "weights")))
        layer.bias.zero_()
    return Classifier(nn.Sequential(nn.Flatten(), layer), image_shape=SHAPE, class_count=4, name="linear")


def floats(count: int, seed: int = 0) -> Images:
    """Return images of arbitrary values."""
    return torch.rand(count, *SHAPE, generator=stream(seed, "images")) / 2 + 0.25


def gaps(model: Classifier, images: Images) -> torch.Tensor:
    """Return by how much each class is below the first, in float64 and by the matrix itself."""
    layer = model.network[1]
    logits = images.double().flatten(1) @ layer.weight.double().T + layer.bias.double()
    return (logits[:, :1] - logits).detach()


def searched(model: Classifier, images: Images, work: Work = Work(), **others: object) -> Pixels:  # noqa: B008
    """Round by a short search around what the images were made from: themselves, unless given otherwise."""
    sources = others.pop("sources", to_pixels(images))
    given = {"seed": 0, "work": work, "settings": QUICK} | others
    return round_by_search(model, images, sources, **given).pixels


def test_the_gaps_of_the_float_image_are_kept(linear: Classifier) -> None:
    """All four classes: what is left of the errors of plain rounding is less than a twentieth, for every image."""
    images = floats(6)

    found = round_by_search(linear, images, to_pixels(images), seed=0, work=Work(), settings=QUICK)

    wanted = gaps(linear, images)
    nearest = (gaps(linear, to_images(to_pixels(images), torch.float64)) - wanted)[:, 1:]
    ours = (gaps(linear, to_images(found.pixels, torch.float64)) - wanted)[:, 1:]
    assert (ours.norm(dim=1) < nearest.norm(dim=1) / 20).all()
    assert (found.search < found.nearest / 20).all()
    assert np.abs(found.pixels.astype(int) - to_pixels(images)).max() <= QUICK.reach


def test_what_is_told_is_the_error_of_the_gaps(linear: Classifier) -> None:
    """The root mean square over the gaps between the leading classes, computed by hand."""
    images = floats(3)
    settings = replace(QUICK, classes=2)

    found = round_by_search(linear, images, to_pixels(images), seed=0, work=Work(), settings=settings)

    leading = linear.double().logits(images.double()).topk(2, dim=1).indices
    for pixels, reported in ((to_pixels(images), found.nearest), (found.pixels, found.search)):
        off = (gaps(linear, to_images(pixels, torch.float64)) - gaps(linear, images)).gather(1, leading)
        assert reported.tolist() == pytest.approx((off[:, 1] - off[:, 0]).abs().tolist(), abs=1e-6)


def test_classes_far_below_are_left_alone(linear: Classifier) -> None:
    """Only the first two count when no other is near, and the search has more room for their gap."""
    images = floats(6)

    found = [
        round_by_search(linear, images, to_pixels(images), seed=0, work=Work(), settings=replace(QUICK, near=near))
        for near in (0.0, math.inf)
    ]

    assert found[0].search.median() < found[1].search.median() / 20


def test_a_gap_below_what_is_needed_is_widened_to_it(linear: Classifier) -> None:
    """A float image on the boundary gets the margin that the profile asks of samples."""
    image = floats(1)
    first, second = linear.logits(image)[0].topk(2).indices.tolist()
    normal = (linear.network[1].weight[first] - linear.network[1].weight[second]).detach()
    excess = float(gaps(linear, image)[0, second] - gaps(linear, image)[0, first])
    tied = image - excess * (normal / (normal @ normal)).view_as(image)

    pixels = searched(linear, tied, Work(margin=0.01), settings=replace(QUICK, classes=2))

    values = linear.double().logits(to_images(pixels, torch.float64))[0]
    assert values.argmax() == first
    assert 0.01 <= float(values[first] - values[second]) < 0.015


def test_whole_grey_levels_stay_as_they_are(linear: Classifier) -> None:
    """An image a method made eight-bit is not searched for, whatever is done to the one beside it."""
    images = floats(2)
    images[0] = to_images(to_pixels(images[:1]))[0]

    found = round_by_search(linear, images, to_pixels(images), seed=0, work=Work(), settings=QUICK)

    assert np.array_equal(found.pixels[0], to_pixels(images)[0])
    assert len(found.nearest) == len(found.search) == 1
    assert len(round_nearest(images).search) == 0


@pytest.mark.parametrize("radius", [0.5, 3.0])
def test_the_ball_holds(linear: Classifier, radius: float) -> None:
    """Images at the rim are brought to where the search has room; none ends farther out than plain rounding puts it."""
    sources = np.full((6, *SHAPE), 128, dtype=np.uint8)
    shift = floats(6) - 0.5
    images = to_images(sources) + radius * shift / shift.flatten(1).norm(dim=1)[:, None, None, None]

    pixels = searched(linear, images, sources=sources, radii=torch.full((6,), radius))

    far, usual = (
        (to_images(each, torch.float64) - to_images(sources, torch.float64)).flatten(1).norm(dim=1)
        for each in (pixels, to_pixels(images))
    )
    assert (far <= usual.clamp_min(radius)).all()
    assert (pixels != to_pixels(images)).any(axis=(1, 2, 3)).sum() >= 3


def test_equal_seeds_give_equal_pixels(linear: Classifier) -> None:
    """Bit for bit."""
    images = floats(3)

    assert np.array_equal(searched(linear, images), searched(linear, images))


def test_an_interrupted_search_goes_on(linear: Classifier, tmp_path: Path) -> None:
    """Eleven of twelve images are kept; the same call made again begins with the last and ends the same."""
    images, seen = floats(12), []

    def stop(label: str, done: int, total: int) -> None:
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(linear, images, Work(progress=stop, folder=tmp_path, identity="a"))
    again = Work(progress=lambda label, done, total: seen.append(done), folder=tmp_path, identity="a")

    assert np.array_equal(searched(linear, images, again), searched(linear, images))
    assert seen == [11, 12]
    seen.clear()
    searched(linear, floats(12, seed=1), again)
    assert seen[0] == 0


def test_a_classifier_without_gradients_is_refused(linear: Classifier) -> None:
    """The message says what is missing and what to do."""

    class Cut(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return linear.network(x.detach())

    cut = linear.with_network(Cut())

    with pytest.raises(CraftingError, match=r"linear does not give: .*; round to the nearest"):
        searched(cut, floats(1))


def test_settings_out_of_range_are_refused() -> None:
    """Each says what it got."""
    with pytest.raises(ValueError, match="at least 2, a gap takes two, got 1"):
        RoundingSearch(classes=1)
    with pytest.raises(ValueError, match="0 or more, got nan"):
        RoundingSearch(near=math.nan)
    with pytest.raises(ValueError, match="at least one grey level, got 0"):
        RoundingSearch(reach=0)
    with pytest.raises(ValueError, match="nearest or search, got 'up'"):
        parse_rounding("up")


def test_methods_leave_eight_bits_to_the_search() -> None:
    """Where they have that setting and nothing else is given."""
    assert adapt_settings("search", "misentry", {}) == {"eight_bit": "false"}
    assert adapt_settings("search", "misentry", {"eight_bit": "true"}) == {"eight_bit": "true"}
    assert adapt_settings("nearest", "misentry", {}) == adapt_settings("search", "natural", {}) == {}
    assert adapt_settings("search", "unknown", {}) == {}
