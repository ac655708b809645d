"""Other forms of a network are named, made again by name, and give the same outputs."""

import pytest
import torch
from torch import nn

from modelprint.networks.digits import DigitsNet
from modelprint.networks.forms import Folded, InBatches, convert_to_form, form_of
from modelprint.networks.onnx_network import OnnxNetwork


@pytest.mark.parametrize("form", ["folded", "batch-1", "batch-7"])
def test_a_form_restored_by_its_name_takes_the_weights(form: str) -> None:
    """Name, state and outputs are those of the first."""
    torch.manual_seed(0)
    first = convert_to_form(form, DigitsNet(), {}).eval()
    again = convert_to_form(form_of(first), DigitsNet(), {}).eval()
    images = torch.rand(9, 1, 8, 8)

    again.load_state_dict(first.state_dict())

    assert form_of(first) == form
    assert type(first) is (Folded if form == "folded" else InBatches)
    assert torch.equal(again(images), first(images))


def test_folded_and_small_batches_give_the_logits_of_the_plain_network() -> None:
    """Up to rounding."""
    torch.manual_seed(0)
    network, images = DigitsNet().eval(), torch.rand(9, 1, 8, 8)
    expected = network(images)

    torch.testing.assert_close(Folded(network)(images), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(InBatches(network, 4)(images), expected, rtol=1e-4, atol=1e-5)


def test_a_plain_network_has_no_name_and_a_graph_is_as_long_as_its_bytes() -> None:
    """The empty name, and an ONNX network with room for the content of the file."""
    graph = convert_to_form("onnx", nn.Identity(), {"content": torch.zeros(5, dtype=torch.uint8)})

    assert form_of(DigitsNet()) == ""
    assert form_of(graph) == "onnx"
    assert isinstance(graph, OnnxNetwork)
    assert graph.content.shape == (5,)


@pytest.mark.parametrize("form", ["", "batch-0", "batch-01", "batch-9999999", "Folded"])
def test_an_unknown_form_is_refused(form: str) -> None:
    """The error lists the forms."""
    with pytest.raises(ValueError, match="the forms are folded, onnx and batch-1"):
        convert_to_form(form, DigitsNet(), {})
