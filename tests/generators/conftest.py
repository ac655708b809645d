"""Cheap settings of every generator in the table."""

from collections.abc import Callable

import pytest

from modelprint.generators import GENERATORS, GeneratorRecipe
from modelprint.settings import build

QUICK = {
    "vq-vae": {"epochs": "2", "batch": "16", "width": "8", "codes": "8", "learning_rate": "0.01", "revive": "true"},
    "conv-vae": {"epochs": "2", "batch": "16", "width": "4", "latents": "4", "learning_rate": "0.01"},
    "dense-vae": {"epochs": "2", "batch": "16", "hidden": "16", "latents": "4", "learning_rate": "0.01"},
}


@pytest.fixture
def recipe() -> Callable[..., GeneratorRecipe]:
    """Return what builds the cheap recipe of a name, with some settings changed."""

    def make(name: str, **changes: str) -> GeneratorRecipe:
        return build(GENERATORS, name, {**QUICK.get(name, {"epochs": "2"}), **changes})

    return make
