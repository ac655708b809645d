"""Quantisation to eight bits.

Source: MiSentry appendix C.2 (PyTorch's dynamic quantisation, which changes only linear layers, so only the last layer
of a ResNet) and, for all weights, symmetric per-tensor rounding as in progressive bit search (BFA, A. S. Rakin et al.,
ICCV 2019: step = largest magnitude / 127). `what="bins"`: the public benchmark code (CGCL-codes/BIVBench), which moves
every parameter to the middle of one of 2^8 equal bins between the tensor's smallest and largest value.

Departures: dynamic quantisation runs in `Int8Linear`, whose integers and scale are PyTorch's own (a test compares
them); the deprecated API would not load from safetensors. The published code then trains for an epoch with an
optimiser that its file does not define; here the weights stay in the middle of their bins.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from modelprint.calibration import RANGE_IMAGES, pick_range_images, static_int8
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.networks.int8 import quantise_linears, round_weights
from modelprint.networks.onnx_network import OnnxNetwork
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered

BINS = 2**8


@dataclass(frozen=True, kw_only=True)
class Quantise:
    """Eight-bit weights.

    Attributes:
        what: "linear": every linear layer in integer arithmetic, activations quantised dynamically;
            "weights": the weights of every convolution and linear layer rounded to 255 levels, float arithmetic;
            "bins": every parameter moved to the middle of one of 256 bins, float arithmetic.
    """

    what: Literal["linear", "weights", "bins"] = "linear"

    @property
    def deterministic(self) -> bool:
        """The result is always the same."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the quantised network."""
        change = {"linear": quantise_linears, "weights": round_weights, "bins": _round_to_bins}[self.what]
        return Tampered(network=change(model.copy().network))


def _round_to_bins(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        low, high = parameter.detach().aminmax()
        if low < high:
            width = (high - low) / BINS
            index = ((parameter.detach() - low) / width).floor().clamp(0, BINS - 1)
            parameter.data = low + (index + 0.5) * width
    return network


@dataclass(frozen=True, kw_only=True)
class QuantiseStatic:
    """All convolutions and linear layers in eight-bit integers, by ONNX Runtime; one scale per tensor, its default.

    Batch norms are folded first. The scales of activations are fixed beforehand, from the smallest and largest values
    on training images.

    Attributes:
        images: Training images that determine the scales, evenly spread over the training set.
    """

    images: int = RANGE_IMAGES

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ValueError(f"images must be at least 1, got {self.images}")

    @property
    def deterministic(self) -> bool:
        """The images are the same for every seed."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the quantised network; LoadingError when ONNX Runtime is not installed."""
        images = pick_range_images(data.train.pixels, self.images)
        network = OnnxNetwork(static_int8(model, images))
        return Tampered(network=network, notes=f"activation ranges from {len(images)} training images")
