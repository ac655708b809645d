"""Sensitivities are what differentiating twice gives, and stay numbers where that underflows."""

import math

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting import sensitivity
from modelprint.crafting.sensitivity import (
    LastLayer,
    Layers,
    Objective,
    choose_parameters,
    last_layer_sensitivity,
    layer_sensitivity,
    measure_sensitivity,
)
from modelprint.errors import CraftingError, LoadingError

OBJECTIVES: tuple[Objective, ...] = ("paper-log", "paper", "released")


def small_model(class_count: int) -> Classifier:
    """Return a convolutional network in float64 for 1x6x6 images; its batch norm has seen data."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(class_count)
        body = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Softplus(), nn.Flatten(), nn.Linear(64, 8), nn.Tanh()]
        network = nn.Sequential(*body, nn.Linear(8, class_count)).double()
        network(torch.rand(32, 1, 6, 6, dtype=torch.float64))
        network[-1].weight.data *= 3
    return Classifier(network, image_shape=(1, 6, 6), class_count=class_count, name="small")


def images(count: int = 3) -> Tensor:
    """Return images of noise in float64."""
    return torch.rand(count, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def twice(model: Classifier, names: list[str], x: Tensor, objective: Objective) -> tuple[Tensor, Tensor]:
    """Return value and pixel gradient as the definitions read: image by image, differentiating the network twice."""
    parameters = [dict(model.network.named_parameters())[name] for name in names]
    values, gradients = [], []
    for image in x:
        pixels = image[None].clone().requires_grad_()
        p = model.network(pixels).softmax(1)[0]
        outputs = [(p[:40] + 1e-8).log().sum()] if objective == "released" else list(p)
        by_weights = [torch.autograd.grad(output, parameters, create_graph=True) for output in outputs]
        value = torch.stack([g.square().sum() for one in by_weights for g in one]).sum()
        value = value.log() if objective == "paper-log" else value
        gradients.append(torch.autograd.grad(value, pixels)[0])
        values.append(value.detach())
    return torch.stack(values), torch.cat(gradients)


@pytest.mark.parametrize("class_count", [2, 7, 45])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_closed_form_is_what_differentiating_twice_gives(
    objective: Objective, biases: bool, class_count: int
) -> None:
    """Value and gradient in the pixels, to 1e-8 in float64, with more classes than the published 40 and with fewer."""
    model, x = small_model(class_count), images()

    reading, gradient = measure_sensitivity(LastLayer(model, objective, biases=biases), x)

    expected = twice(model, ["6.weight", "6.bias"] if biases else ["6.weight"], x, objective)
    torch.testing.assert_close(reading.value, expected[0], rtol=1e-8, atol=0)
    torch.testing.assert_close(gradient, expected[1], rtol=1e-8, atol=1e-10 * expected[1].abs().max().item())


@pytest.mark.parametrize("patterns", [("all",), ("0.*", "4.weight"), ("6.weight", "1.bias")])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_any_set_of_layers_is_what_differentiating_twice_gives(
    objective: Objective, patterns: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when memory allows one image at a time only."""
    model, x = small_model(5), images()
    monkeypatch.setattr(sensitivity, "TOGETHER", 1)

    reading, gradient = measure_sensitivity(Layers(model, objective, patterns), x)

    expected = twice(model, list(choose_parameters(model.network, patterns)), x, objective)
    torch.testing.assert_close(reading.value, expected[0], rtol=1e-8, atol=0)
    torch.testing.assert_close(gradient, expected[1], rtol=1e-8, atol=1e-10 * expected[1].abs().max().item())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_layers_agree_with_the_closed_form_on_the_last_one(objective: Objective) -> None:
    """Weights and biases of the last layer, named by a pattern."""
    model, x = small_model(6), images()

    by_name, gradient = measure_sensitivity(Layers(model, objective, ("6.*",)), x)
    closed, same_gradient = measure_sensitivity(LastLayer(model, objective, biases=True), x)

    torch.testing.assert_close(vars(by_name), vars(closed), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gradient, same_gradient, rtol=1e-9, atol=1e-12)


def test_two_classes_at_a_gap_of_200_have_the_value_of_the_formula() -> None:
    """It is log 4 + 2 log e + 2 log(1 - e) + log |h|^2, log e = -200, in float32, where e itself is zero."""
    features, logits = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 200.0]], requires_grad=True)

    value = last_layer_sensitivity(features, logits, "paper-log")
    (gradient,) = torch.autograd.grad(value.sum(), logits)

    assert value.item() == pytest.approx(math.log(4) - 400 + math.log(25))
    assert gradient.flatten().tolist() == pytest.approx([2, -2], rel=1e-5)
    grams = 25 * torch.eye(2)[None]
    assert layer_sensitivity(grams, logits, "paper-log").item() == pytest.approx(value.item())
    assert last_layer_sensitivity(features, logits, "paper").item() == 0


def test_the_published_objective_grows_from_none_at_the_uniform_answer_towards_certainty() -> None:
    """|h|^2 K (K - 1) at a one-hot answer of K classes; beyond 1e-8 the offset takes classes out of it again."""
    h = torch.tensor([[2.0]])

    def value(gap: float) -> float:
        return last_layer_sensitivity(h, torch.tensor([[gap, 0.0, 0.0]]), "released").item()

    assert value(0.0) == pytest.approx(0, abs=1e-6)
    assert value(10.0) == pytest.approx(4 * 3 * 2, rel=0.01)
    assert value(40.0) < 1e-3


def test_the_yardstick_is_the_smallest_change_of_the_weights_that_makes_a_tie() -> None:
    """Logits W h with h = (3, 4): moving both rows towards each other along h by gap / (2 |h|) each closes the gap."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    network[1].weight.data = torch.tensor([[1.0, 1.0], [0.5, 1.0]])  # logits 7 and 5.5
    model = Classifier(network, image_shape=(1, 1, 2), class_count=2, name="linear")
    h = torch.tensor([[[[3.0, 4.0]]]])

    reading, _ = measure_sensitivity(LastLayer(model, "paper-log"), h)

    assert reading.gap.item() == pytest.approx(1.5)
    assert reading.yardstick.item() == pytest.approx(math.hypot(0.15, 0.15))


def test_an_image_without_features_has_a_finite_value_and_no_gradient() -> None:
    """All units of the layer before are inactive: nothing is known about where to go."""
    h = torch.zeros(1, 4, requires_grad=True)

    value = last_layer_sensitivity(h, torch.zeros(1, 3), "paper-log")
    (gradient,) = torch.autograd.grad(value.sum(), h)

    assert value.isfinite().all()
    assert not gradient.any()


def test_what_cannot_be_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no parameter has, gradients that do not fit, a network without a last linear layer."""
    model = small_model(4)

    with pytest.raises(ValueError, match=r"no parameter is called 'fc.\*'; there are 0.weight, 0.bias"):
        Layers(model, "paper", ("fc.*",))
    monkeypatch.setattr(sensitivity, "LIMIT", 100)
    with pytest.raises(CraftingError, match=r"4 logits by 32 parameters of small are 128 numbers .* at most 100"):
        Layers(model, "paper", ("6.weight",))
    convolutional = Classifier(
        nn.Sequential(nn.Conv2d(1, 3, 6), nn.Flatten()), image_shape=(1, 6, 6), class_count=3, name="conv"
    )
    with pytest.raises(LoadingError, match="does not end in a linear layer"):
        LastLayer(convolutional, "paper")


def test_measuring_leaves_the_model_as_it_was() -> None:
    """Weights, their gradients and whether they want any."""
    model = small_model(4)
    before = model.digest()

    measure_sensitivity(LastLayer(model, "paper-log"), images())
    measure_sensitivity(Layers(model, "paper-log", ("all",)), images())

    assert model.digest() == before
    assert all(p.grad is None and p.requires_grad for p in model.network.parameters())
