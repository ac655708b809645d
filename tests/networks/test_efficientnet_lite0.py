"""EfficientNet-Lite0 is the published network: its size, its padding, and its answers with the public weights."""

import pytest
import torch
from torch import nn

from modelprint.data import load_data, weights_path
from modelprint.loading import load_classifier
from modelprint.networks.efficientnet_lite0 import EfficientNetLite0
from modelprint.tensors import to_images


def test_number_of_parameters_is_the_published_one() -> None:
    """4,652,008, the classifier of a thousand classes included."""
    assert sum(p.numel() for p in EfficientNetLite0().parameters()) == 4_652_008


def test_every_convolution_halves_or_keeps_the_sides_as_same_padding_does() -> None:
    """SAME: the result has ceil(side / stride) pixels, and the odd zero is at the right and the bottom."""
    network = EfficientNetLite0(class_count=2).eval()
    pads = [m.padding for m in network.modules() if isinstance(m, nn.ZeroPad2d)]
    sides: list[int] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, __, output: sides.append(output.shape[-1]))

    network(torch.zeros(1, 3, 64, 64))

    assert pads == [(0, 1, 0, 1), (0, 1, 0, 1), (1, 2, 1, 2), (0, 1, 0, 1), (1, 2, 1, 2)]
    assert list(dict.fromkeys(sides)) == [32, 16, 8, 4, 2]


def test_grey_levels_are_normalised_as_published() -> None:
    """(x - 127) / 128 of a grey level x."""
    normalised = EfficientNetLite0(class_count=2).normalise(torch.full((1, 3, 1, 1), 255 / 255))

    torch.testing.assert_close(normalised, torch.ones(1, 3, 1, 1))


@pytest.mark.data
def test_public_weights_load_by_name_and_are_right_on_most_images() -> None:
    """At least 12 of the first 16 photographs; 869 of all 1,000 were measured."""
    model = load_classifier("efficientnet-lite0", weights_path("imagenet_efficientnet_lite0"))
    test = load_data("imagenet-sample").test.take(range(16))

    labels = model.labels(to_images(test.pixels), batch=4)

    assert model.image_shape == (3, 224, 224)
    assert model.class_count == 1000
    assert int((labels == torch.from_numpy(test.labels)).sum()) >= 12
