"""Contrastive losses against values reckoned by hand, in float64."""

import math

import pytest
import torch

from modelprint.ownership.contrast import LOSSES, published_loss, supervised_loss

VECTORS = torch.tensor([[2.0, 0.0], [3.0, 0.0], [0.0, 5.0]], dtype=torch.float64)
"""Two in one direction, one across: cosines 1 and 0, whatever their lengths."""
LABELS = torch.tensor([0, 0, 1])
E = math.e


def test_the_published_loss_by_hand() -> None:
    """Each of the pair: own 2e of 2e + 1; the third: own e of e + 2."""
    expected = (2 * math.log((2 * E + 1) / (2 * E)) + math.log((E + 2) / E)) / 3

    assert published_loss(VECTORS, LABELS, 1.0).item() == pytest.approx(expected, abs=1e-15)


def test_the_supervised_loss_by_hand() -> None:
    """Each of the pair: e of e + 1, itself aside; the third has nobody of its label and is left out."""
    expected = math.log((E + 1) / E)

    assert supervised_loss(VECTORS, LABELS, 1.0).item() == pytest.approx(expected, abs=1e-15)


def test_the_temperature_divides_cosines() -> None:
    """At one half the pair has e squared."""
    expected = math.log((E**2 + 1) / E**2)

    assert supervised_loss(VECTORS, LABELS, 0.5).item() == pytest.approx(expected, abs=1e-15)


def test_the_supervised_loss_takes_the_mean_of_logarithms() -> None:
    """Three of a label at cosines 1, 0 and 0: the mean of log shares e and 1 of e + 1, not the log of the mean."""
    vectors, labels = VECTORS, torch.tensor([0, 0, 0])
    near = -(math.log(E / (E + 1)) + math.log(1 / (E + 1))) / 2
    far = math.log(2)

    assert supervised_loss(vectors, labels, 1.0).item() == pytest.approx((2 * near + far) / 3, abs=1e-15)


def test_one_label_leaves_nothing_to_tell_apart() -> None:
    """The published loss is 0; so is the supervised one where every label is alone."""
    assert published_loss(VECTORS, torch.zeros(3, dtype=torch.int64), 0.1).item() == pytest.approx(0, abs=1e-15)
    assert supervised_loss(VECTORS, torch.arange(3), 0.1).item() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_right(name: str) -> None:
    """Against differences, in float64, at vectors of no special position."""
    vectors = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([0, 1, 0, 1, 2])

    assert torch.autograd.gradcheck(lambda v: LOSSES[name](v, labels, 0.2), (vectors,))


@pytest.mark.parametrize("name", LOSSES)
def test_vectors_of_nothing_do_no_harm(name: str) -> None:
    """A rectified representation may be all zeros; its loss and gradients are finite."""
    vectors = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], requires_grad=True)

    loss = LOSSES[name](vectors, torch.tensor([0, 0, 1]), 0.2)
    loss.backward()

    assert loss.isfinite()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()
