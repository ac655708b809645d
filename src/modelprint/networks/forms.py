"""Other forms of a network with (nearly) the same outputs: batch norms folded, or small batches.

A weights file names the form of its network, so that it can be restored from the plain network.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from modelprint.fast.folding import fold_batch_norm
from modelprint.networks.onnx_network import OnnxNetwork


class Folded(nn.Module):
    """A network whose batch norms are folded into the layers before them, as most serving tools do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = fold_batch_norm(network.eval())

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.network(images)
        return logits


class InBatches(nn.Module):
    """A network that gets at most `size` images at a time."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network = network
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        return torch.cat([self.network(chunk) for chunk in images.split(self.size)])


def form_of(network: nn.Module) -> str:
    """Return the name of the form of `network`; empty for a plain network."""
    if isinstance(network, InBatches):
        return f"batch-{network.size}"
    return {Folded: "folded", OnnxNetwork: "onnx"}.get(type(network), "")


def convert_to_form(form: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return `network` in another form; its weights are loaded afterwards.

    Args:
        form: A result of `form_of`; it may come from an untrusted file.
        network: The plain network.
        tensors: The weights to load: they determine the length of an ONNX graph.

    Raises:
        ValueError: There is no such form.
    """
    if form == "folded":
        return Folded(network)
    if form == "onnx":
        return OnnxNetwork(bytes(tensors["content"].numel()) if "content" in tensors else b"")
    size = re.fullmatch(r"batch-([1-9]\d{0,5})", form, re.ASCII)
    if size is None:
        raise ValueError(
            f"there is no form {form!r} of a network; the forms are folded, onnx and batch-1, batch-2, ..."
        )
    return InBatches(network, int(size[1]))
