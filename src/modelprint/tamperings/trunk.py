"""A network without its last layer, for attacks on the inputs of the last layer."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.fast.folding import make_quick_copy
from modelprint.tensors import to_images

CHUNK = 250
"""Images per forward pass."""


def make_trunk(model: Classifier) -> nn.Module:
    """Return the network that maps images to the inputs of the last layer, optimised for input gradients.

    Batch norm is folded and the weights have no gradients. LoadingError when the network does not end in a linear
    layer.
    """
    body = model.copy()
    head = body.head
    name = next(name for name, module in body.network.named_modules() if module is head)
    body.network.set_submodule(name, nn.Identity())
    return make_quick_copy(body).network


def compute_outputs(network: nn.Module, images: LabelledImages) -> Float[Tensor, "n outputs"]:
    """Return the outputs of `network` for all `images`, without gradients."""
    starts = range(0, len(images), CHUNK)
    with torch.no_grad():
        return torch.cat([network(to_images(images.pixels[start : start + CHUNK])) for start in starts])
