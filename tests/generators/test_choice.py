"""The choice of a generator, as methods make it."""

from dataclasses import replace

import pytest
import torch

from modelprint.data import DataSet
from modelprint.generators.choice import GeneratorChoice
from modelprint.generators.dense_vae import DenseVae
from modelprint.generators.store import load_or_train_generator
from modelprint.progress import ignore_progress

CHOICE = GeneratorChoice(name="dense-vae", settings=("epochs=1", "batch=16", "hidden=16", "latents=4"), seed=3)


def test_settings_are_those_of_the_recipe() -> None:
    """The others keep their defaults."""
    recipe = CHOICE.build()

    assert recipe == DenseVae(epochs=1, batch=16, hidden=16, latents=4)


def test_an_unknown_setting_is_refused() -> None:
    """The message names it."""
    with pytest.raises(ValueError, match="dense-vae has no setting 'colour'"):
        replace(CHOICE, settings=("colour=red",)).build()


def test_a_choice_loads_the_generator_of_its_seed(split: DataSet) -> None:
    """The same weights as from the cache."""
    chosen = CHOICE.load_or_train(split, ignore_progress)
    stored = load_or_train_generator("dense-vae", CHOICE.build(), split, 3)

    assert all(torch.equal(a, b) for a, b in zip(chosen.parameters(), stored.parameters(), strict=True))
