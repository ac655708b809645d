"""What makes networks fast does not change what they answer."""

import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.ensemble import Ensemble
from modelprint.fast.folding import fold_batch_norm, make_quick_copy
from modelprint.fast.known import features_on, logits_on
from modelprint.networks import NETWORKS
from modelprint.tensors import to_images


@pytest.mark.parametrize("name", NETWORKS)
def test_folding_leaves_the_answers_and_removes_the_norms(name: str) -> None:
    """In float64 the folded network agrees to 1e-9; only norms that no convolution precedes directly remain."""
    torch.manual_seed(0)
    architecture = NETWORKS[name]
    network = architecture.make(class_count=architecture.class_count, channels=architecture.image_shape[0]).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    images = torch.rand(2, *architecture.image_shape, dtype=torch.float64)

    folded = fold_batch_norm(network.eval())

    torch.testing.assert_close(folded(images), network(images), rtol=1e-9, atol=1e-9)
    left = [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(left) == (6 if name == "cnn6" else 0)  # there the ReLU comes before the norm


def test_what_cannot_be_traced_is_copied() -> None:
    """Control flow on values: the plain network comes back, as a copy."""

    class Branches(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    network = Branches()
    assert isinstance(fold_batch_norm(network), Branches)
    assert fold_batch_norm(network) is not network


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


def test_known_answers_are_computed_once(tiny_model: Classifier, split: DataSet) -> None:
    """The same content gives the same tensor object; other weights another."""
    first = logits_on(tiny_model, split.test)

    assert logits_on(tiny_model.copy(), split.test) is first
    torch.testing.assert_close(
        make_quick_copy(tiny_model).head(features_on(tiny_model, split.test)), first, rtol=1e-5, atol=1e-5
    )
    tiny_model.head.bias.data += 1
    assert logits_on(tiny_model, split.test) is not first
