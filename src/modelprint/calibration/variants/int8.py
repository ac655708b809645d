"""Serving in eight-bit integers: linear layers, weights, or convolutions and linear layers alike."""

from modelprint.calibration.forms import Forms
from modelprint.calibration.quantising import pick_range_images, static_int8
from modelprint.classifier import Classifier
from modelprint.errors import CraftingError
from modelprint.networks.int8 import quantise_linears, round_weights
from modelprint.networks.onnx_network import OnnxNetwork
from modelprint.tensors import Images, Logits


def dynamic(forms: Forms, images: Images) -> Logits:
    """Compute linear layers in integers, with activations quantised at run time (PyTorch's dynamic quantisation)."""
    return forms.make_once(_quantise_linears).logits(images, batch=forms.batch)


def weights(forms: Forms, images: Images) -> Logits:
    """Compute in float32 with the weights of convolutions and linear layers rounded to 255 levels per tensor."""
    return forms.make_once(_round_weights).logits(images, batch=forms.batch)


def static(forms: Forms, images: Images) -> Logits:
    """Compute convolutions and linear layers in integers, with ranges determined in advance from natural images."""
    return forms.make_once(_export_integer_graph).logits(images, batch=forms.batch)


def _quantise_linears(forms: Forms) -> Classifier:
    return forms.single.with_network(quantise_linears(forms.single.copy().network))


def _round_weights(forms: Forms) -> Classifier:
    return forms.single.with_network(round_weights(forms.single.copy().network))


def _export_integer_graph(forms: Forms) -> Classifier:
    if forms.natural is None:
        raise CraftingError("there are no natural images to take the ranges of activations from")
    return forms.single.with_network(OnnxNetwork(static_int8(forms.single, pick_range_images(forms.natural))))
