"""Static quantisation: convolutions and linear layers in eight-bit integers, by ONNX Runtime."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from modelprint.calibration.forms import Forms
from modelprint.calibration.silence import suppress_warnings
from modelprint.classifier import Classifier
from modelprint.errors import LoadingError
from modelprint.fast.folding import fold_batch_norm
from modelprint.networks.onnx_network import explain_missing_runtime
from modelprint.pixels import Pixels
from modelprint.tensors import Images, to_images

RANGE_IMAGES = 256
"""Default number of natural images that determine the ranges of activations."""

CHUNK = 64
"""How many of them are computed at a time."""


def static_int8(model: Classifier, images: Images) -> bytes:
    """Return `model` as an ONNX graph in eight-bit integers, its activation ranges taken from `images`.

    Batch norms are folded first. There is one scale per tensor; scales of activations follow from the smallest and the
    largest values that `images` give.

    Raises:
        LoadingError: ONNX Runtime is not installed.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_static
        from onnxruntime.quantization.quant_utils import add_pre_process_metadata
    except ImportError:
        raise LoadingError(explain_missing_runtime()) from None
    with suppress_warnings(), tempfile.TemporaryDirectory() as folder:
        graph = onnx.load_from_string(Forms(model.with_network(fold_batch_norm(model.network))).onnx)
        _anonymise(graph)
        # Folding and shape inference, which ONNX Runtime asks for, are already done.
        add_pre_process_metadata(graph)
        output = Path(folder) / "int8.onnx"
        # Unsigned weights too: products with signed ones saturate on processors without VNNI, and answers would differ.
        types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8}
        quantize_static(graph, output, _CalibrationFeed(graph.graph.input[0].name, images), **types)
        content: bytes = onnx.load(output).SerializeToString(deterministic=True)
    return content


def pick_range_images(natural: Pixels, count: int = RANGE_IMAGES) -> Float[Tensor, "picked c h w"]:
    """Return `count` of the images, or all when there are fewer, evenly spread."""
    index = np.linspace(0, len(natural) - 1, min(count, len(natural))).round().astype(int)
    return to_images(natural[index])


class _CalibrationFeed:
    """Feeds images to ONNX Runtime's calibration."""

    def __init__(self, source: str, images: Images) -> None:
        self.feeds = iter([{source: chunk.numpy()} for chunk in images.split(CHUNK)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next input, None after the last."""
        return next(self.feeds, None)


def _anonymise(graph: Any) -> None:
    """Remove what the exporter writes about source files on the machine, so that equal models have equal bytes."""
    inner = graph.graph
    for part in (graph, inner, *inner.node, *inner.input, *inner.output, *inner.value_info, *inner.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
