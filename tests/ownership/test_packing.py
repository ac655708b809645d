"""Views, answers and encoder survive the file; settings of an encoder come from outside and are checked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from modelprint.errors import FingerprintError
from modelprint.fingerprint.ownership_parts import ByViews
from modelprint.ownership import OwnershipFingerprint
from modelprint.ownership.packing import pack, unpack

Make = Callable[..., OwnershipFingerprint]


def test_what_is_packed_is_unpacked(told_by_views: Make) -> None:
    """Views, answers and encoder; their arrays are the same."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)
    opened = unpack(file, file.evidence)

    again = pack(opened.views, opened.victim, opened.encoder, torch.from_numpy(file.evidence.represented).unbind())

    for name, array in again.arrays.items():
        np.testing.assert_array_equal(array, file.evidence.arrays[name])
    assert opened.encoder.settings.temperature == 0.5
    assert replace(file, evidence=replace(again, encoder=file.evidence.encoder)).digest == file.digest


@pytest.mark.parametrize("settings", [{"colour": 1}, {"hidden": "many"}, {"hidden": 7, "features": 4}])
def test_an_encoder_that_makes_no_sense_is_refused(told_by_views: Make, settings: dict[str, object]) -> None:
    """Its settings come from outside."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)

    with pytest.raises(FingerprintError, match="the encoder in the fingerprint cannot be used"):
        unpack(file, replace(file.evidence, encoder=settings))
