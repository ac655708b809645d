"""An ONNX graph as a torch module: its bytes are a buffer, and ONNX Runtime computes its outputs.

A model in eight-bit arithmetic can then be copied, hashed and saved like any other network.
"""

from typing import Any

import torch
from torch import Tensor, nn

from modelprint.errors import CraftingError, LoadingError, advise_extra
from modelprint.oracles.onnx_session import make_options


def explain_missing_runtime() -> str:
    """Say what is missing to compute an ONNX graph, and how to install it."""
    return f"this model is an ONNX graph, which needs ONNX Runtime; {advise_extra('onnx')}"


class OnnxNetwork(nn.Module):
    """Runs on one CPU thread, so that its outputs do not depend on the number of cores.

    It has no gradients. The graph maps float32 images in [0, 1], n c h w, to one row of logits per image.
    """

    content: Tensor

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.register_buffer("content", torch.tensor(bytearray(content), dtype=torch.uint8))
        self._running: Any = None

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]; CraftingError when they require gradients."""
        if images.requires_grad:
            raise CraftingError("an ONNX graph has no gradients; craft from a classifier that is a torch network")
        session = self.session
        (source,), (sink,) = session.get_inputs(), session.get_outputs()
        answers = session.run([sink.name], {source.name: images.float().contiguous().numpy()})[0]
        return torch.from_numpy(answers)

    @property
    def session(self) -> Any:
        """The ONNX Runtime session, started when first needed; LoadingError when the graph cannot be run."""
        if self._running is None:
            self._running = _start(self.content.numpy().tobytes())
        return self._running

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the graph's images."""
        _, channels, height, width = self.session.get_inputs()[0].shape
        return channels, height, width

    @property
    def class_count(self) -> int:
        """The number of logits."""
        count: int = self.session.get_outputs()[0].shape[1]
        return count

    def float_weights(self) -> dict[str, Tensor]:
        """Return the constants of the graph by name, integers as the floats that they represent."""
        import onnx
        from onnx.numpy_helper import to_array

        graph = onnx.load_from_string(self.content.numpy().tobytes()).graph
        constants = {tensor.name: torch.from_numpy(to_array(tensor).copy()) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "DequantizeLinear" and node.input[0] in constants:
                integers, scale, zero = (constants[name] for name in node.input)
                axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
                shape = [-1 if i == axis and scale.ndim else 1 for i in range(integers.ndim)]
                values = (integers.float() - zero.float().view(shape)) * scale.view(shape)
                constants[node.input[0].removesuffix("_quantized")] = values
        return constants

    def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
        super()._load_from_state_dict(*arguments, **options)
        self._running = None

    def __getstate__(self) -> dict[str, Any]:
        # A session cannot be copied or sent to another process; the copy starts its own.
        return {**self.__dict__, "_running": None}


def _start(content: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise LoadingError(explain_missing_runtime()) from None
    # The key of a reference to another file, which ONNX Runtime would read from this machine.
    if b"location" in content:
        raise LoadingError("the ONNX graph refers to other files; refused")
    options = make_options(onnxruntime, len(content))
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    try:
        # Without a fallback, which would print to our standard output and try the same again.
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as problem:  # ONNX Runtime has its own exceptions for invalid graphs
        raise LoadingError(f"not a usable ONNX graph: {' '.join(str(problem).split())[:200]}") from None
    _check(session)
    return session


def _check(session: Any) -> None:
    """Refuse a graph that is not a classifier of images of one size."""
    takes, gives = ([(end.type, end.shape) for end in ends] for ends in (session.get_inputs(), session.get_outputs()))
    images, logits = ("tensor(float)", 4), ("tensor(float)", 2)
    if [(kind, len(shape)) for kind, shape in takes + gives] != [images, logits]:
        raise LoadingError(f"the ONNX graph takes {takes} and gives {gives}; expected float images and logits")
    if not all(isinstance(side, int) for side in (*takes[0][1][1:], gives[0][1][1])):
        raise LoadingError(
            f"the ONNX graph maps {takes[0][1]} to {gives[0][1]}; expected fixed sizes except for the first"
        )
