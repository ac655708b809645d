"""Eight-bit weights: integer layers and rounding."""

import warnings

import torch
from torch import nn

from modelprint.networks.int8 import Int8Linear, quantise_linears, round_weights


def test_int8_integers_are_those_of_pytorch() -> None:
    """Weights and answers agree with torch's own dynamic quantisation, image by image."""
    torch.manual_seed(0)
    linear, features = torch.nn.Linear(64, 10), torch.rand(20, 64) * 3
    ours = Int8Linear.of(linear)
    with warnings.catch_warnings(action="ignore"):  # deprecated since torch 2.10
        theirs = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(linear), {torch.nn.Linear})

    assert torch.equal(ours.weight_int8, theirs[0].weight().int_repr())
    expected = torch.cat([theirs(row[None]) for row in features])
    torch.testing.assert_close(ours(features), expected, rtol=0, atol=2e-5)


def test_rounding_keeps_the_largest_weight_and_moves_the_rest_to_its_127ths() -> None:
    """The step is 1 when the largest weight is 127: 0.4 goes to 0, 0.6 to 1."""
    linear = nn.Linear(4, 1)
    linear.weight.data = torch.tensor([[0.4, 0.6, -127.0, 99.5001]])

    round_weights(linear)

    assert linear.weight.tolist() == [[0.0, 1.0, -127.0, 100.0]]


def test_integers_times_the_scale_are_the_weights() -> None:
    """The largest weight is 127.5 steps, clipped to 127; a bias is kept, a missing one is zero."""
    linear = nn.Linear(3, 1, bias=False)
    linear.weight.data = torch.tensor([[127.5, -1.0, 0.4]])

    layer = Int8Linear.of(linear)

    assert layer.weight_int8.tolist() == [[127, -1, 0]]
    assert layer.dequantise().tolist() == [[127.0, -1.0, 0.0]]
    assert layer.bias.tolist() == [0.0]


def test_every_linear_layer_is_replaced_and_no_other() -> None:
    """In place, at any depth."""
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.Flatten(), nn.Linear(8, 3)))

    assert quantise_linears(network) is network

    assert isinstance(network[1][1], Int8Linear)
    assert isinstance(network[0], nn.Conv2d)
    assert network(torch.zeros(1, 1, 2, 2)).shape == (1, 3)
