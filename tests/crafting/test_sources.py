"""The choice of source images."""

import numpy as np
import pytest

from modelprint.crafting.sources import pick_sources
from modelprint.data import LabelledImages
from modelprint.errors import CraftingError


def test_sources_take_classes_in_turn_and_never_repeat(tiny_data: LabelledImages) -> None:
    """Any prefix is balanced; `skip` goes on where the first pick ended; another seed picks others."""
    first, rest = pick_sources(tiny_data, 40, seed=1), pick_sources(tiny_data, 56, seed=1, skip=40)

    assert first.labels[:8].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    everything = np.concatenate([first.pixels, rest.pixels])
    assert len(np.unique(everything.reshape(96, -1), axis=0)) == 96
    assert not np.array_equal(pick_sources(tiny_data, 40, seed=2).pixels, first.pixels)
    with pytest.raises(CraftingError, match="97 source images are needed but tiny holds 96"):
        pick_sources(tiny_data, 97, seed=1)
