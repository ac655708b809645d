"""Other forms of a network that give (nearly) the same answers: batch norms folded away, or a few images at a time.

A weights file names the form of what is in it, so that its reader can make that form from the plain network.
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
    """A network that is never given more than `size` images at a time."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network = network
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        return torch.cat([self.network(chunk) for chunk in images.split(self.size)])


def form_of(network: nn.Module) -> str:
    """Return the name of the form `network` is in; empty for a plain one."""
    if isinstance(network, InBatches):
        return f"batch-{network.size}"
    return {Folded: "folded", OnnxNetwork: "onnx"}.get(type(network), "")


def convert_to_form(form: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return `network` in another form, its weights still to be filled in.

    Args:
        form: As `form_of` gave it; it may come from a file of a stranger.
        network: The plain network.
        tensors: What will be filled in: an ONNX graph is as long as its bytes.

    Raises:
        ValueError: There is no such form.
    """
    if form == "folded":
        return Folded(network)
    if form == "onnx":
        return OnnxNetwork(bytes(tensors["content"].numel()) if "content" in tensors else b"")
    size = re.fullmatch(r"batch-([1-9]\d{0,5})", form, re.ASCII)
    if size is None:
        raise ValueError(f"there is no form {form!r} of a network; there are folded, onnx and batch-1, batch-2, ...")
    return InBatches(network, int(size[1]))
