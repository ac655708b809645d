"""An ensemble gives the outputs of its networks, without cancellation."""

import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.ensemble import Ensemble
from modelprint.tensors import to_images


def test_ensemble_agrees_with_asking_each_network(tiny_model: Classifier, split: DataSet) -> None:
    """One copy with another head, one with another convolution: changes of logits as by subtraction in float64."""
    head, trunk = tiny_model.copy(), tiny_model.copy()
    head.head.weight.data *= 1.1
    trunk.network.convolutions[0].weight.data *= 1.1
    images = to_images(split.test.pixels)

    logits, changes = Ensemble(tiny_model, [head, trunk])(images, (0, 1))

    torch.testing.assert_close(logits, tiny_model.logits(images), rtol=1e-5, atol=1e-5)
    for copy, change in zip((head, trunk), changes, strict=True):
        exact = copy.double().logits(images) - tiny_model.double().logits(images)
        torch.testing.assert_close(change.double(), exact, rtol=1e-4, atol=1e-5)


def test_a_tiny_change_of_the_head_is_not_rounded_away(tiny_model: Classifier, split: DataSet) -> None:
    """1e-7 on one bias, beside logits of about 5, comes out to three digits."""
    copy = tiny_model.copy()
    copy.head.weight.data[1] *= 1 + 1e-6
    copy.head.bias.data.copy_(tiny_model.head.bias.data)
    images = to_images(split.test.pixels)

    _, changes = Ensemble(tiny_model, [copy])(images, (0,))

    exact = copy.double().logits(images) - tiny_model.double().logits(images)
    torch.testing.assert_close(changes[0].double(), exact, rtol=1e-3, atol=1e-12)
    assert changes[0][:, [0, 2, 3]].abs().max() == 0


def test_a_network_without_head_is_asked_as_a_whole(split: DataSet) -> None:
    """No last linear layer, no shared trunk, the same answers."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 8), nn.Flatten())
    model = Classifier(network, image_shape=(1, 8, 8), class_count=3)
    other = model.copy()
    other.network[0].bias.data += 1
    images = to_images(split.test.pixels)

    logits, changes = Ensemble(model, [other])(images, (0,))

    torch.testing.assert_close(logits, model.logits(images), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(changes[0], torch.ones_like(logits), rtol=1e-4, atol=1e-5)
