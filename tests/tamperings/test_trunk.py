"""A trunk is a network without its last layer."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import LoadingError
from modelprint.tamperings.trunk import compute_outputs, make_trunk


def test_a_trunk_is_the_network_without_its_last_layer(tiny_model: Classifier, split: DataSet) -> None:
    """Its outputs, put through the head, are the logits; gradients reach the images and no weight."""
    body = make_trunk(tiny_model)
    logits = tiny_model.logits(torch.from_numpy(split.test.pixels) / 255)

    torch.testing.assert_close(tiny_model.head(compute_outputs(body, split.test)), logits, rtol=1e-4, atol=1e-4)
    image = torch.rand(1, 1, 8, 8, requires_grad=True)
    body(image).sum().backward()
    assert image.grad is not None
    assert not any(weight.requires_grad for weight in body.parameters())


def test_outputs_of_many_images_are_those_of_chunks() -> None:
    """600 images in chunks of 250; the sum of each image's pixels is known."""
    pixels = np.arange(600 * 4, dtype=np.int64).reshape(600, 1, 2, 2).astype(np.uint8)
    images = LabelledImages(pixels=pixels, labels=np.zeros(600, np.int64), class_names=("one",))
    summing = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    summing[1].weight.data.fill_(255)
    summing[1].bias.data.zero_()

    outputs = compute_outputs(summing, images)

    assert not outputs.requires_grad
    assert outputs[:, 0].round().tolist() == pixels.reshape(600, 4).sum(1, dtype=np.int64).tolist()


def test_a_network_that_ends_in_an_activation_has_no_trunk() -> None:
    """Its last layer cannot be separated."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU())

    with pytest.raises(LoadingError, match="does not end in a linear layer"):
        make_trunk(Classifier(network, image_shape=(1, 2, 2), class_count=3))
