"""Junction: eight-bit samples at which classes tie but for the margin that was asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from modelprint.calibration import find_profile, measure
from modelprint.classifier import Classifier
from modelprint.crafting.covertness import measure_band, smallest_gaps
from modelprint.crafting.junction import Precisions
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet, LabelledImages
from modelprint.methods.junction import Junction
from modelprint.pixels import Picture
from modelprint.streams import stream
from modelprint.tamperings.zoo import build_zoo
from modelprint.tensors import to_images, to_pixels
from modelprint.work import Work

FAST = {"pixels": 8, "candidates": 20}


def top_two(model: Classifier, images: torch.Tensor) -> torch.Tensor:
    """Return the two largest logits in float64, of the eight-bit images that travel."""
    return Precisions(model).exact_logits(to_images(to_pixels(images), torch.float64)).topk(2, dim=1).values


def test_samples_lead_by_the_margin_and_hardly_more(tiny_model: Classifier, split: DataSet) -> None:
    """At least the margin in float64, computed from the eight-bit pixels alone, and the tie is near."""
    sources = pick_sources(split.train, 12, seed=0).pixels

    crafted = Junction(k=(3,), margin=1e-3, **FAST).craft(tiny_model, split, sources, 1, Work())

    top = top_two(tiny_model, crafted.images)[crafted.usable]
    assert crafted.usable.float().mean() > 0.7
    assert (top[:, 0] - top[:, 1]).min() >= 1e-3
    assert (top[:, 0] - top[:, 1]).median() < 0.1
    assert torch.equal(to_images(to_pixels(crafted.images)), crafted.images)


def test_what_is_claimed_follows_from_the_pictures_alone(
    tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """Spread, residual and margin, computed again from PNG files that another library reads."""
    sources = pick_sources(split.train, 8, seed=0).pixels
    crafted = Junction(k=(3,), margin=1e-3, **FAST).craft(tiny_model, split, sources, 1, Work())
    for row in crafted.usable.nonzero()[:, 0].tolist():
        picture = Picture.of(to_pixels(crafted.images[row : row + 1])[0])
        (tmp_path / f"{row}.png").write_bytes(picture.png)

    files = [np.asarray(Image.open(path)) for path in sorted(tmp_path.iterdir())]
    pixels = torch.from_numpy(np.stack(files)).double().view(len(files), *tiny_model.image_shape) / 255
    values = tiny_model.copy().network.double()(pixels).detach().sort(dim=1, descending=True).values[:, :3]

    gaps = values[:, :1] - values[:, 1:]
    residuals = (gaps - 1e-3).square().mean(1).sqrt()
    assert gaps.min() >= 1e-3
    for name, found in (("spread", gaps[:, 1]), ("residual", residuals)):
        assert crafted.notes[name] == f"median {found.median():.2e}, largest {found.max():.2e} logits"


def test_the_margin_is_what_serving_needs_and_a_reserve(tiny_model: Classifier, split: DataSet) -> None:
    """Where no margin is set, that of the work counts."""
    sources = pick_sources(split.train, 4, seed=0).pixels

    crafted = Junction(k=(2,), reserve=1.5, **FAST).craft(tiny_model, split, sources, 1, Work(margin=0.02))

    top = top_two(tiny_model, crafted.images)[crafted.usable]
    assert (top[:, 0] - top[:, 1]).min() >= 0.03
    assert crafted.notes["margin"] == "0.03"


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), batches=st.lists(st.integers(1, 24), min_size=1, max_size=4), k=st.integers(2, 4))
def test_no_label_depends_on_the_batch_size(seed: int, batches: list[int], k: int) -> None:
    """Whatever the network: with the margin of the profile, each sample has its float64 label in every batch."""
    rng = stream(seed, "networks")
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(5),
    )
    network(torch.zeros(1, 3, 8, 8))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.3)
    model = Classifier(network, image_shape=(3, 8, 8), class_count=5, name="random")
    pixels = torch.randint(256, (6, 3, 8, 8), generator=rng, dtype=torch.uint8).numpy()
    images = LabelledImages(pixels=pixels, labels=np.zeros(6, np.int64), class_names=tuple("abcde"), name="random")
    data = DataSet(name="random", train=images, test=images)
    margin = measure(model, pixels, find_profile("exact")).smallest_margin()

    crafted = Junction(k=(k,), **FAST).craft(model, data, pixels, seed, Work(margin=margin))

    samples = crafted.images[crafted.usable]
    labels = model.double().labels(samples.double())
    for batch in batches:
        repeated = samples.repeat(4, 1, 1, 1)
        alone = torch.cat([model.network(part).argmax(1) for part in repeated.split(batch)])
        assert torch.equal(alone, labels.repeat(4))


def test_every_class_is_expected_about_as_often(tiny_model: Classifier, split: DataSet) -> None:
    """With a tie of all classes, winners take turns: ten samples of ten classes have each once."""
    sources = pick_sources(split.train, tiny_model.class_count * 2, seed=0).pixels
    method = Junction(k=(100,), margin=1e-4, rounds=1, **FAST)

    crafted = method.craft(tiny_model, split, sources, 1, Work())

    labels = tiny_model.double().labels(crafted.images.double())[crafted.usable]
    assert labels.bincount(minlength=tiny_model.class_count).max() <= 2


@pytest.mark.parametrize("settings", [{"k": (3,)}, {"k": (100,)}, {"k": (3, 2), "zoo": ("flip-sign*2",)}])
@pytest.mark.parametrize("seed", [1, 20261121])
def test_no_sample_expects_what_its_source_shows(
    tiny_model: Classifier, split: DataSet, settings: dict[str, Any], seed: int
) -> None:
    """The label of the network for the source is no winner, with a zoo and without, for any number of classes."""
    sources = pick_sources(split.train, 12, seed=0).pixels
    method = Junction(margin=1e-4, rounds=1, **settings, **FAST)

    crafted = method.craft(tiny_model, split, sources, seed, Work())

    labels = tiny_model.double().labels(crafted.images.double())
    shown = tiny_model.double().labels(to_images(sources, torch.float64))[crafted.rows]
    assert crafted.usable.sum() >= 6
    assert (labels != shown)[crafted.usable].all()


def test_brackets_are_samples_of_one_junction_with_different_winners(tiny_model: Classifier, split: DataSet) -> None:
    """Half of the sources, two samples each."""
    sources = pick_sources(split.train, 8, seed=0).pixels

    crafted = Junction(k=(2,), brackets=2, margin=1e-3, **FAST).craft(tiny_model, split, sources, 1, Work())

    labels = tiny_model.double().labels(crafted.images.double())
    assert crafted.rows.bincount(minlength=8).sort().values.tolist() == [0, 0, 0, 0, 2, 2, 2, 2]
    for source in crafted.rows.unique():
        pair = (crafted.rows == source) & crafted.usable
        assert len(labels[pair].unique()) == int(pair.sum())


def test_several_numbers_of_classes_take_turns(tiny_model: Classifier, split: DataSet) -> None:
    """Each has half of the sources, and all rows come back once."""
    sources = pick_sources(split.train, 6, seed=0).pixels

    crafted = Junction(k=(2, 3), margin=1e-3, **FAST).craft(tiny_model, split, sources, 1, Work())

    assert crafted.rows.sort().values.tolist() == list(range(6))
    assert [row % 2 for row in crafted.rows.tolist()] == [0, 1, 0, 1, 0, 1]
    assert crafted.notes["k"] == "3, 2"


def test_bounds_hold(tiny_model: Classifier, split: DataSet) -> None:
    """No usable sample is farther than the radius, no pixel moves more levels than allowed."""
    sources = pick_sources(split.train, 8, seed=0).pixels

    crafted = Junction(k=(2,), margin=1e-3, radius=0.6, levels=30, **FAST).craft(tiny_model, split, sources, 1, Work())

    shift = (crafted.images - to_images(sources)[crafted.rows])[crafted.usable]
    assert len(shift)
    assert shift.flatten(1).norm(dim=1).max() <= 0.6
    assert shift.abs().max() <= 30.01 / 255


def test_covert_samples_look_as_sure_as_natural_images(tiny_model: Classifier, split: DataSet) -> None:
    """Top-1 probability and entropy are inside the band of natural images of the label."""
    sources = pick_sources(split.train, 10, seed=0).pixels
    band = measure_band(tiny_model, split, 10.0)

    crafted = Junction(k=(2,), covert="p10", **FAST).craft(tiny_model, split, sources, 1, Work())

    logits = tiny_model.double().logits(crafted.images.double())
    assert crafted.usable.any()
    assert band.contains(logits[crafted.usable]).all()
    gaps = smallest_gaps(band, torch.arange(tiny_model.class_count), 2)
    assert (torch.sigmoid(gaps) >= band.confidence[:, 0]).all()


def test_a_zoo_chooses_the_winners_that_its_copies_overtake(tiny_model: Classifier, split: DataSet) -> None:
    """More of the copies it used change the labels than without."""
    sources = pick_sources(split.train, 12, seed=0).pixels
    zoo = ("finetune-last-1e-3-bnfrozen*3",)
    settings = {"k": (3,), "margin": 1e-5, **FAST}

    plain, guided = (
        Junction(zoo=recipe, **settings).craft(tiny_model, split, sources, 1, Work())  # type: ignore[arg-type]
        for recipe in ((), zoo)
    )

    copies = build_zoo(tiny_model, split, zoo, first_seed=1000).copies
    seen = [
        sum(
            float((copy.labels(made.images) != tiny_model.labels(made.images))[made.usable].float().mean())
            for copy in copies
        )
        for made in (plain, guided)
    ]
    assert seen[1] > seen[0]


def test_a_portfolio_sees_the_worst_kind_of_its_suite_better(tiny_model: Classifier, split: DataSet) -> None:
    """Of samples of both k from each source those are kept that the worst kind fears, labels evenly, unusable last."""
    sources = pick_sources(split.train, 12, seed=0).pixels
    suite = ("finetune-last-1e-3-bnfrozen*2", "prune-20*1")
    settings = {"k": (3, 2), "margin": 1e-5, **FAST}

    turns, chosen = (
        Junction(suite=recipe, **settings).craft(tiny_model, split, sources, 1, Work())  # type: ignore[arg-type]
        for recipe in ((), suite)
    )

    worst = []
    for made in (turns, chosen):
        labels = tiny_model.labels(made.images)
        kinds = build_zoo(tiny_model, split, suite, first_seed=1000).families.values()
        shares = [
            [(copy.labels(made.images) != labels)[made.usable].double().mean() for copy in kind] for kind in kinds
        ]
        worst.append(min(float(torch.stack(one).mean()) for one in shares))
    assert len(chosen.images) == 12
    assert worst[1] > worst[0]
    assert chosen.usable.long().diff().max() <= 0
    assert " with 3 classes, " in chosen.notes["samples"]
    assert chosen.notes["samples"].endswith(" with 2 classes")


def test_work_goes_on_where_it_was_stopped(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Stopped after ten of twelve images, the samples are those of an undisturbed run."""
    sources = pick_sources(split.train, 12, seed=0).pixels
    method = Junction(k=(2,), margin=1e-3, **FAST)
    whole = method.craft(tiny_model, split, sources, 1, Work())
    reported: list[int] = []

    def stop(phase: str, done: int, total: int) -> None:
        reported.append(done)
        if phase.startswith("searching") and done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method.craft(tiny_model, split, sources, 1, Work(progress=stop, folder=tmp_path, identity="x"))
    again = method.craft(tiny_model, split, sources, 1, Work(folder=tmp_path, identity="x"))

    assert torch.equal(again.images, whole.images)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": ()}, "k must be at least 2"),
        ({"k": (3, 1)}, "k must be at least 2"),
        ({"k": (2,), "brackets": 3}, "brackets is 1 to the smallest k, 2"),
        ({"radius": 0.0}, "radius must be positive"),
        ({"margin": float("nan")}, "margin must be positive"),
        ({"covert": "10"}, "covert is pQ"),
        ({"covert": "p50"}, "covert is pQ"),
        ({"zoo": ("nothing*2",)}, "zoo entry"),
        ({"suite": ("nothing*2",)}, "zoo entry"),
        ({"pixels": 1}, "pixels must be at least 8, got 2"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, message: str) -> None:  # type: ignore[type-arg]
    """The message names the setting."""
    with pytest.raises(ValueError, match=message):
        Junction(**settings)
