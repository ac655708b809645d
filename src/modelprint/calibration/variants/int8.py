"""Serving in eight-bit integers: linear layers, weights, or convolutions and linear layers alike."""

from modelprint.calibration.forms import Forms
from modelprint.calibration.quantising import range_images, static_int8
from modelprint.classifier import Classifier
from modelprint.errors import CraftingError
from modelprint.networks.int8 import Int8Linear, quantise_linears, round_weights
from modelprint.networks.onnx_network import OnnxNetwork
from modelprint.tensors import Images, Logits


def dynamic(forms: Forms, images: Images) -> Logits:
    """Compute linear layers in integers, with activations quantised as they come, as PyTorch's dynamic quantisation."""
    return forms.made(_with_integer_linears).logits(images, batch=forms.batch)


def weights(forms: Forms, images: Images) -> Logits:
    """Compute in float32 with the weights of convolutions and linear layers rounded to 255 levels per tensor."""
    return forms.made(_with_rounded_weights).logits(images, batch=forms.batch)


def static(forms: Forms, images: Images) -> Logits:
    """Compute convolutions and linear layers in integers, their ranges fixed beforehand from natural images."""
    return forms.made(_as_integer_graph).logits(images, batch=forms.batch)


def _with_integer_linears(forms: Forms) -> Classifier:
    network = quantise_linears(forms.single.copy().network)
    if not any(isinstance(module, Int8Linear) for module in network.modules()):
        raise CraftingError("it has no linear layer that could be quantised")
    return forms.single.with_network(network)


def _with_rounded_weights(forms: Forms) -> Classifier:
    return forms.single.with_network(round_weights(forms.single.copy().network))


def _as_integer_graph(forms: Forms) -> Classifier:
    if forms.natural is None:
        raise CraftingError("there are no natural images to take the ranges of activations from")
    return forms.single.with_network(OnnxNetwork(static_int8(forms.single, range_images(forms.natural))))
