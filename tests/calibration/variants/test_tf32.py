"""TF32 keeps ten bits after the leading one of each factor and adds in float32."""

import math

import pytest
import torch
from torch import nn

from modelprint.calibration import Forms
from modelprint.calibration.variants.tf32 import round_to_tf32, tf32
from modelprint.classifier import Classifier

STEP = 2.0**-10
HALF = STEP / 2


def test_a_number_goes_to_the_nearest_and_between_two_to_the_even_one() -> None:
    """Around 1, neighbours are 1/1024 apart; the sign changes nothing."""
    values = torch.tensor([1 + STEP, 1 + HALF, 1 + 3 * HALF, 1 + HALF + 2**-23, 1 - STEP / 2, 0.0])

    rounded = [1 + STEP, 1.0, 1 + 2 * STEP, 1 + STEP, 1 - STEP / 2, 0.0]
    assert round_to_tf32(values).tolist() == rounded
    assert (-round_to_tf32(-values)).tolist() == rounded


def test_what_is_no_number_stays() -> None:
    """Infinities and NaN pass; their bits are no number to round."""
    values = round_to_tf32(torch.tensor([math.inf, -math.inf, math.nan]))

    assert values[:2].tolist() == [math.inf, -math.inf]
    assert values[2].isnan()


def of_pixels() -> Classifier:
    """Two pixels; a convolution with a factor of 1 + half a step, then two classes that add that factor again."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(2, 2))
    network[0].weight.data.fill_(1 + HALF)
    network[0].bias.data.fill_(HALF)
    network[2].weight.data = torch.tensor([[1 + HALF, 0.0], [0.0, 1.0]])
    network[2].bias.data.zero_()
    return Classifier(network, image_shape=(1, 1, 2), class_count=2)


@pytest.mark.parametrize(
    ("products", "first"),
    [
        # The convolution gives 1 * 1 plus its bias, which is no factor and keeps all its bits.
        (False, (1 + HALF) * (1 + HALF)),
        # The linear layer then rounds 1 + half a step to 1, on either side.
        (True, 1.0),
    ],
)
def test_the_factors_of_layers_are_rounded(products: bool, first: float) -> None:
    """A white pixel and a black one, by hand."""
    images = torch.tensor([[[[1.0, 0.0]]]], dtype=torch.float64)

    logits = tf32(Forms(of_pixels()), images, products=products)

    assert logits.tolist() == [[first, HALF]]
    assert logits.dtype == torch.float32


def test_layers_of_an_exported_graph_are_rounded_too() -> None:
    """It has no layers left that could be replaced."""
    plain = of_pixels()
    graph = torch.export.export(plain.network, (torch.zeros(1, 1, 1, 2),)).module()
    images = torch.tensor([[[[1.0, 0.0]]]], dtype=torch.float64)

    assert torch.equal(tf32(Forms(plain.with_network(graph)), images), tf32(Forms(plain), images))


def test_torch_rounds_convolutions_and_not_matrix_products_unless_told() -> None:
    """The two variants stand for its default and for `torch.set_float32_matmul_precision("high")`."""
    assert torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32
