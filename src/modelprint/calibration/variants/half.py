"""Serving in sixteen bits: float16 or bfloat16."""

import copy

import torch

from modelprint.calibration.forms import Forms
from modelprint.calibration.variants.fp32 import float32
from modelprint.classifier import Classifier
from modelprint.tensors import Images, Logits


def cast(forms: Forms, images: Images, *, dtype: torch.dtype) -> Logits:
    """Compute with weights, images and everything between in another type."""
    return forms.make_once(_cast, dtype).logits(images, batch=forms.batch)


def store(forms: Forms, images: Images, *, dtype: torch.dtype) -> Logits:
    """Compute in float32 with weights that were written to a file in another type."""
    return forms.make_once(_cast, dtype, torch.float32).logits(images, batch=forms.batch)


def autocast(forms: Forms, images: Images, *, dtype: torch.dtype) -> Logits:
    """Compute with float32 weights while PyTorch uses another type where it considers that safe."""
    with torch.autocast("cpu", dtype):
        return float32(forms, images)


def _cast(forms: Forms, *dtypes: torch.dtype) -> Classifier:
    """Return the classifier cast to each type in turn."""
    network = copy.deepcopy(forms.single.network)
    for dtype in dtypes:
        network = network.to(dtype)
    return forms.single.with_network(network)
