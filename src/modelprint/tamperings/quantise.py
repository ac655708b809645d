"""Quantisation to eight bits.

Source: MiSentry appendix C.2 (PyTorch's dynamic quantisation, which changes only linear layers, so only the last layer
of a ResNet) and, for all weights, symmetric per-tensor rounding as in progressive bit search (BFA, A. S. Rakin et al.,
ICCV 2019: step = largest magnitude / 127). `what="bins"`: the public benchmark code (CGCL-codes/BIVBench), which moves
every parameter to the middle of one of 2^8 equal bins between the tensor's smallest and largest value.

Departures: dynamic quantisation runs in `Int8Linear`, whose integers and scale are PyTorch's own (a test compares
them); the deprecated API would not load from safetensors. The published code goes on to train for an epoch with an
optimiser that its file does not have; here the weights stay in the middle of their bins.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from modelprint.calibration import Forms, quiet
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.fast.folding import fold_batch_norm
from modelprint.networks.int8 import Int8Linear
from modelprint.networks.onnx_network import MISSING, OnnxNetwork
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Images, to_images

BINS = 2**8
CHUNK = 64
"""Calibration images that run through the network at a time."""


@dataclass(frozen=True, kw_only=True)
class Quantise:
    """Eight-bit weights.

    Attributes:
        what: "linear": every linear layer in integer arithmetic, activations quantised as they come;
            "weights": the weights of every convolution and linear layer rounded to 255 levels, float arithmetic;
            "bins": every parameter moved to the middle of one of 256 bins, float arithmetic.
    """

    what: Literal["linear", "weights", "bins"] = "linear"

    @property
    def deterministic(self) -> bool:
        """Rounding draws nothing."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the quantised network."""
        change = {"linear": _integer_linears, "weights": rounded_weights, "bins": _binned}[self.what]
        return Tampered(network=change(model.copy().network))


def _integer_linears(network: nn.Module) -> nn.Module:
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Linear):
            network.set_submodule(name, Int8Linear.of(module))
    return network


def rounded_weights(network: nn.Module) -> nn.Module:
    """Round every convolution and linear weight to 255 evenly spaced levels per tensor, in place; returns `network`."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            step = module.weight.detach().abs().max().clamp_min(1e-12) / 127
            module.weight.data = (module.weight.detach() / step).round() * step
    return network


def _binned(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        low, high = parameter.detach().aminmax()
        if low < high:
            width = (high - low) / BINS
            index = ((parameter.detach() - low) / width).floor().clamp(0, BINS - 1)
            parameter.data = low + (index + 0.5) * width
    return network


@dataclass(frozen=True, kw_only=True)
class QuantiseStatic:
    """All convolutions and linear layers in eight-bit integers, by ONNX Runtime; one scale per tensor, as it defaults.

    Batch norms are folded first. The scales of activations are fixed beforehand, from the smallest and the largest
    values that training images give.

    Attributes:
        images: Training images that fix the scales, evenly spread over the training set.
    """

    images: int = 256

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ValueError(f"images must be at least 1, got {self.images}")

    @property
    def deterministic(self) -> bool:
        """The images are the same for every seed."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the quantised network; LoadingError when ONNX Runtime is not installed."""
        count = min(self.images, len(data.train))
        index = np.linspace(0, len(data.train) - 1, count).round().astype(int)
        network = OnnxNetwork(static_int8(model, to_images(data.train.pixels[index])))
        return Tampered(network=network, notes=f"activation ranges from {count} training images")


def static_int8(model: Classifier, images: Images) -> bytes:
    """Return `model` as an ONNX graph in eight-bit integers, its activation ranges taken from `images`."""
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_static
        from onnxruntime.quantization.quant_utils import add_pre_process_metadata
    except ImportError:
        raise LoadingError(MISSING) from None
    with quiet(), tempfile.TemporaryDirectory() as folder:
        graph = onnx.load_from_string(Forms(model.with_network(fold_batch_norm(model.network))).onnx)
        _anonymise(graph)
        # Folding and shape inference, which ONNX Runtime would ask for, are done by now.
        add_pre_process_metadata(graph)
        output = Path(folder) / "int8.onnx"
        # Unsigned weights too: products with signed ones saturate on processors without VNNI, and answers would differ.
        types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8}
        quantize_static(graph, output, _Reader(graph.graph.input[0].name, images), **types)
        content: bytes = onnx.load(output).SerializeToString(deterministic=True)
    return content


class _Reader:
    """Feeds images to ONNX Runtime's calibration."""

    def __init__(self, source: str, images: Images) -> None:
        self.feeds = iter([{source: chunk.numpy()} for chunk in images.split(CHUNK)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next input, None after the last."""
        return next(self.feeds, None)


def _anonymise(graph: Any) -> None:
    """Remove what the exporter writes about the machine's own source files: equal models are to have equal bytes."""
    inner = graph.graph
    for part in (graph, inner, *inner.node, *inner.input, *inner.output, *inner.value_info, *inner.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
