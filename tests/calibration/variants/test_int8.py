"""Eight-bit weights and activations: 255 levels per tensor, fixed by the largest."""

import pytest
import torch
from torch import nn

from modelprint.calibration import Forms
from modelprint.calibration.variants import int8
from modelprint.classifier import Classifier
from modelprint.errors import CraftingError, LoadingError

CORNERS = torch.tensor([[[[1.0, 0.0]]], [[[0.0, 1.0]]]], dtype=torch.float64)
"""Two images of two pixels, one of them white: they read out the columns of a linear layer."""


def linear(*rows: list[float]) -> Classifier:
    """Two pixels, one row of weights per class."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, len(rows), bias=False))
    network[1].weight.data = torch.tensor(rows)
    return Classifier(network, image_shape=(1, 1, 2), class_count=len(rows))


def test_dynamic_linear_layers_have_a_step_of_the_largest_weight_over_127_and_a_half() -> None:
    """A step of 1: 0.6 goes to 1, 99.4 to 99, and 127.5 to 127, where eight bits end."""
    model = linear([127.5, 0.6], [99.4, -0.4])

    logits = int8.dynamic(Forms(model), CORNERS)

    assert logits.T.tolist() == [[127.0, 1.0], [99.0, 0.0]]


def test_rounded_weights_have_a_step_of_the_largest_over_127() -> None:
    """A step of 1 again, with the largest weight kept; the classifier itself is left alone."""
    model = linear([127.0, 0.6], [99.4, -0.4])

    logits = int8.weights(Forms(model), CORNERS)

    assert logits.T.tolist() == [[127.0, 1.0], [99.0, 0.0]]
    assert model.network[1].weight[0, 1].item() == pytest.approx(0.6)


def test_static_quantisation_takes_its_ranges_from_natural_images() -> None:
    """Pixels of 0 and 1 and weights of 127 and 63 fit in 256 levels each; the logits come within one of theirs."""
    pytest.importorskip("onnxruntime")
    model = linear([127.0, 63.0], [-127.0, 0.0])
    natural = (CORNERS * 255).byte().numpy()

    logits = int8.static(Forms(model, natural), CORNERS)

    assert torch.allclose(logits.T, model.network[1].weight, atol=1.0)


def test_without_natural_images_there_are_no_ranges() -> None:
    """The reason says what is missing."""
    with pytest.raises(CraftingError, match="no natural images"):
        int8.static(Forms(linear([1.0, 0.0], [0.0, 1.0])), CORNERS)


def test_a_network_without_linear_layers_is_not_called_quantised() -> None:
    """Its answers would be those of float32."""
    network = nn.Sequential(nn.Conv2d(1, 2, (1, 2)), nn.Flatten())

    with pytest.raises(LoadingError, match="no linear layer"):
        int8.dynamic(Forms(Classifier(network, image_shape=(1, 1, 2), class_count=2)), CORNERS)
