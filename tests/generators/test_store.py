"""The cache of generators: found by what they are trained from, repeated bit for bit, repaired when damaged."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modelprint.data import DataSet
from modelprint.generators import GENERATORS, Generator, GeneratorNetwork, GeneratorRecipe
from modelprint.generators.store import generator_path, load_or_train_generator
from modelprint.loading import read_weights

Recipes = Callable[..., GeneratorRecipe]


def same(first: GeneratorNetwork, second: GeneratorNetwork) -> bool:
    """Whether two generators have equal weights."""
    ours, theirs = first.state_dict(), second.state_dict()
    return all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_is_made_once_and_the_same_whenever_it_is_made(
    name: str, recipe: Recipes, split: DataSet, tmp_path: Path
) -> None:
    """The second call reads the file; another folder sees the same weights trained again; another seed gives others."""
    first = load_or_train_generator(name, recipe(name), split, 5, folder=tmp_path / "one")
    stamp = next((tmp_path / "one").iterdir()).stat().st_mtime_ns

    again = load_or_train_generator(name, recipe(name), split, 5, folder=tmp_path / "one")
    elsewhere = load_or_train_generator(name, recipe(name), split, 5, folder=tmp_path / "two")
    other = load_or_train_generator(name, recipe(name), split, 6, folder=tmp_path / "two")

    assert [path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()] == [stamp]
    assert isinstance(first, Generator)
    assert same(first, again) and same(first, elsewhere) and not same(first, other)
    assert not any(p.requires_grad or network.training for network in (first, again) for p in network.parameters())


def test_what_a_generator_is_made_from_decides_where_it_is_kept(recipe: Recipes, split: DataSet) -> None:
    """Settings, seed and training images; not the test images."""
    half = DataSet(name="tiny", train=split.train.take(range(32)), test=split.test)
    less = DataSet(name="tiny", train=split.train, test=split.test.take(range(3)))

    paths = [
        generator_path("vq-vae", recipe("vq-vae", **changes), data, seed)
        for changes, data, seed in [({}, split, 0), ({"codes": "9"}, split, 0), ({}, half, 0), ({}, split, 1)]
    ]

    assert len(set(paths)) == 4
    assert generator_path("vq-vae", recipe("vq-vae"), less, 0) == paths[0]


@pytest.mark.parametrize("damage", ["weight", "half", "checksum"])
def test_a_damaged_entry_is_reported_and_made_again(
    damage: str, recipe: Recipes, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One weight by a thousandth, half of the file, no checksum."""
    first = load_or_train_generator("vq-vae", recipe("vq-vae"), split, 0, folder=tmp_path)
    path = next(tmp_path.iterdir())
    tensors, metadata = load_file(path), read_weights(path)[1]
    if damage == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        tensors["codebook"][0] += 1e-3 * (damage == "weight")
        save_file(tensors, path, metadata=metadata if damage == "weight" else {})

    with caplog.at_level(logging.WARNING, "modelprint"):
        again = load_or_train_generator("vq-vae", recipe("vq-vae"), split, 0, folder=tmp_path)

    assert same(first, again)
    assert ["damaged cache entry, made again" in text and path.name in text for text in caplog.messages] == [True]
    assert read_weights(path)[1] == metadata


def test_a_generator_that_cannot_be_written_is_not_lost(
    recipe: Recipes, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file is where the folder should be: the generator is returned and the log says so."""
    (tmp_path / "taken").write_text("here")

    made = load_or_train_generator("vq-vae", recipe("vq-vae"), split, 0, folder=tmp_path / "taken")

    assert isinstance(made, Generator)
    assert "could not be saved" in caplog.text
