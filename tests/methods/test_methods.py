"""What holds for every method in the table."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.methods import METHODS, LabelsOnly
from modelprint.methods.method import Bounded
from modelprint.pixels import Pixels
from modelprint.settings import build, settings_of
from modelprint.tensors import Labels, to_images
from modelprint.work import Work

QUICK = {
    "misentry": {"steps": "4", "zoo": "finetune-last-1e-3-bnfrozen*2,finetune-all-1e-3*2,flip-sign*1"},
    "public-check": {"steps": "20", "rate": "0.3", "generator_settings": "epochs=2,batch=16,width=8,codes=8"},
    "ssf": {"steps": "6"},
    "ssf-bo": {"iterations": "3", "generator_settings": "latents=2,hidden=16,epochs=2,batch=16"},
}

UNBOUNDED = {
    *("angle", "strength", "snr"),
    *("lambda_1", "lambda_2", "lambda_3", "lambda_4", "target_margin", "copy_margin"),
    *("zoo_seed", "generator_seed"),
}
"""Settings that may be negative, or that are not checked."""

WRONG = {"a whole number": ("-1",), "a number": ("-1", "nan")}
"""What a setting of this type may not be."""


@pytest.mark.parametrize("name", METHODS)
def test_crafting_leaves_the_model_as_it_was_and_repeats_bit_for_bit(
    name: str, tiny_model: Classifier, split: DataSet
) -> None:
    """Same seed, same samples, in [0, 1], one per source; the weights stay."""
    method, before = build(METHODS, name, QUICK.get(name)), tiny_model.digest()
    sources = pick_sources(split.train, 8, seed=0).pixels

    first, again = (method.craft(tiny_model, split, sources, 3, Work()) for _ in range(2))

    assert tiny_model.digest() == before
    assert torch.equal(first.images, again.images)
    assert first.images.shape == to_images(sources).shape
    assert first.images.min() >= 0 and first.images.max() <= 1
    assert first.usable.shape == (8,)


BOUNDED = [name for name in METHODS if isinstance(build(METHODS, name), Bounded)]


def test_there_are_methods_to_test() -> None:
    """A parametrised test over an empty list cannot fail."""
    assert METHODS and BOUNDED


@pytest.mark.parametrize("name", BOUNDED)
def test_samples_stay_in_the_ball(name: str, tiny_model: Classifier, split: DataSet) -> None:
    """Within the radius of the source that a sample was made from, up to the rounding of its 64 pixels."""
    method = build(METHODS, name, QUICK.get(name, {}) | {"radius": "0.4"})
    sources = pick_sources(split.train, 8, seed=0).pixels

    crafted = method.craft(tiny_model, split, sources, 3, Work())

    length = (crafted.images - to_images(sources)[crafted.rows]).flatten(1).norm(dim=1)
    assert length.max() <= 0.4 + 0.5 / 255 * 64**0.5


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_card(name: str) -> None:
    """Title, source and cost; it needs labels only, or gradients, and perhaps more."""
    card = build(METHODS, name).card

    assert card.title and card.source and card.cost
    assert ("labels" in card.needs) != ("gradients" in card.needs)
    assert len(set(card.needs)) == len(card.needs)


@pytest.mark.parametrize("name", METHODS)
def test_labels_only_is_a_promise(name: str, tiny_model: Classifier, split: DataSet) -> None:
    """What says so crafts from a function that gives labels, the same samples, and asks no more than it said."""
    method, asked = build(METHODS, name, QUICK.get(name)), []
    sources = pick_sources(split.train, 8, seed=0).pixels
    assert isinstance(method, LabelsOnly) == ("labels" in method.card.needs)
    if not isinstance(method, LabelsOnly):
        return

    def label(pixels: Pixels) -> Labels:
        asked.append(len(pixels))
        return tiny_model.labels(to_images(pixels))

    crafted = method.craft_from_labels(label, split, sources, 3, Work())

    assert torch.equal(crafted.images, method.craft(tiny_model, split, sources, 3, Work()).images)
    assert sum(asked) <= method.most_questions(8)


@pytest.mark.parametrize(
    ("name", "setting", "wrong"),
    [
        (name, setting.name, wrong)
        for name, made in METHODS.items()
        for setting in settings_of(made)
        if setting.name not in UNBOUNDED
        for wrong in WRONG.get(setting.type.removesuffix(" or none"), ())
    ],
)
def test_impossible_numbers_are_refused(name: str, setting: str, wrong: str) -> None:
    """No count, length, rate or share is negative, and none is no number at all; the message says which."""
    with pytest.raises(ValueError, match=setting):
        build(METHODS, name, {setting: wrong})
