"""float16 has ten bits after the leading one and ends at 65,504, bfloat16 has seven and the range of float32."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.calibration import PROFILES, Forms, Profile, measure
from modelprint.calibration.variants import half
from modelprint.classifier import Classifier
from modelprint.errors import CraftingError

WHITE = torch.ones(1, 1, 1, 1, dtype=torch.float64)


def times(*factors: float) -> Classifier:
    """One pixel; each logit is it times a factor."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, len(factors), bias=False))
    network[1].weight.data = torch.tensor(factors)[:, None]
    return Classifier(network, image_shape=(1, 1, 1), class_count=len(factors))


FINE = (1 + 2.0**-12, 1 + 2.0**-9, 1 + 2.0**-7)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [(torch.float16, (1.0, 1 + 2.0**-9, 1 + 2.0**-7)), (torch.bfloat16, (1.0, 1.0, 1 + 2.0**-7))],
    ids=str,
)
def test_weights_keep_the_bits_that_the_type_has(dtype: torch.dtype, kept: tuple[float, ...]) -> None:
    """Stored or cast, a white pixel shows the weights as they are after rounding."""
    forms = Forms(times(*FINE))

    assert half.store(forms, WHITE, dtype=dtype).tolist() == [list(kept)]
    assert half.cast(forms, WHITE, dtype=dtype).tolist() == [list(kept)]
    assert half.cast(forms, WHITE, dtype=dtype).dtype == dtype


def test_stored_weights_are_computed_with_in_float32() -> None:
    """The image is not rounded: a third of white keeps 24 bits."""
    third = WHITE / 3

    logits = half.store(Forms(times(1.0, 2.0)), third, dtype=torch.float16)

    assert logits.tolist() == third.float().flatten().mul(torch.tensor([1.0, 2.0])).view(1, 2).tolist()


def test_autocast_computes_linear_layers_in_bfloat16() -> None:
    """The weights lose what bfloat16 has no bits for, and stay float32 in the classifier."""
    model = times(*FINE)

    assert half.autocast(Forms(model), WHITE, dtype=torch.bfloat16).tolist() == [[1.0, 1.0, 1 + 2.0**-7]]
    assert model.dtype == torch.float32


def test_a_classifier_too_large_for_float16_has_no_such_profile() -> None:
    """70,000 is beyond its range, and the message says where; bfloat16 goes that far."""
    model, white = times(70_000.0, 1.0), np.full((3, 1, 1, 1), 255, dtype=np.uint8)
    few = dict(list(PROFILES["exact"].variants.items()))
    names = {"fp16": "float16", "bf16": "bfloat16"}
    wide, narrow = (Profile(name=p, variants={**few, n: PROFILES[p].variants[n]}) for p, n in names.items())

    with pytest.raises(CraftingError, match=r"\(float16\) gives logits that are not finite to 3 of 3"):
        measure(model, white, wide)
    assert measure(model, white, narrow).labels.tolist() == [0, 0, 0]
