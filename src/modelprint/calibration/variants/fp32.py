"""Serving in float32, by several stacks, in float64, the reference, and in the type of the classifier itself."""

import copy

import torch
from torch import nn

from modelprint.calibration.forms import Forms
from modelprint.classifier import Classifier
from modelprint.tensors import Images, Logits

NNPACK_BATCH = 16
"""Smallest batch for which PyTorch uses NNPACK."""


def float64(forms: Forms, images: Images) -> Logits:
    """Compute in double precision: the reference."""
    return forms.double.logits(images, batch=forms.batch)


def float32(forms: Forms, images: Images, *, batch: int | None = None) -> Logits:
    """Compute in single precision, `batch` images at a time."""
    return forms.single.logits(images, batch=batch or forms.batch)


def as_given(forms: Forms, images: Images) -> Logits:
    """Compute in the type of the classifier itself, one image at a time."""
    return forms.model.logits(images, batch=1)


def threads(forms: Forms, images: Images, *, count: int) -> Logits:
    """Compute on `count` threads, which changes the order of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return float32(forms, images)
    finally:
        torch.set_num_threads(before)


def lay_out_channels_last(forms: Forms, images: Images) -> Logits:
    """Compute with images and weights laid out channels-last."""
    return forms.channels_last.logits(images.contiguous(memory_format=torch.channels_last), batch=forms.batch)


def fold(forms: Forms, images: Images) -> Logits:
    """Compute with batch norms folded into the layers before them, as most serving tools do."""
    return forms.folded.logits(images, batch=forms.batch)


def disable_onednn(forms: Forms, images: Images, *, nnpack: bool) -> Logits:
    """Compute with PyTorch's own convolutions.

    Where NNPACK is allowed it computes those of 16 images or more, with errors several times as large.
    """
    if nnpack and not torch.backends.nnpack.is_available():
        raise RuntimeError("PyTorch cannot use NNPACK here")
    with torch.backends.mkldnn.flags(enabled=False), torch.backends.nnpack.flags(enabled=nnpack):
        return float32(forms, images, batch=max(forms.batch, NNPACK_BATCH) if nnpack else None)


def export(forms: Forms, images: Images) -> Logits:
    """Compute the graph of `torch.export`."""
    return forms.make_once(_export).logits(images, batch=forms.batch)


def compile_network(forms: Forms, images: Images) -> Logits:
    """Compute with `torch.compile`, which fuses layers and generates code for them."""
    with torch._inductor.config.patch(compile_threads=1):  # otherwise a pool of processes outlives the measurement
        size = forms.batch
        # A batch of another size would be compiled again, which takes longer than everything else.
        padded = torch.cat([images, images.new_zeros(-len(images) % size, *images.shape[1:])])
        return forms.make_once(_compile).logits(padded, batch=size)[: len(images)]


def onnx_runtime(forms: Forms, images: Images, *, optimised: bool) -> Logits:
    """Compute with ONNX Runtime, one image at a time, with all of its graph optimisations or none."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(forms.onnx, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    answers = [session.run(None, {name: image.numpy()})[0] for image in images.float().split(1)]
    return torch.cat([torch.from_numpy(answer) for answer in answers])


def _export(forms: Forms) -> Classifier:
    several = forms.batch > 1
    example = torch.zeros(2 if several else 1, *forms.model.image_shape)
    shapes = ({0: torch.export.Dim("n")},) if several else None
    program = torch.export.export(forms.single.network, (example,), dynamic_shapes=shapes)
    return forms.single.with_network(program.module())


def _compile(forms: Forms) -> Classifier:
    if torch._dynamo.config.disable:
        raise RuntimeError("torch.compile is switched off by TORCH_COMPILE_DISABLE")
    # A compiled function is forgotten after some others of the same code, and would count as failed.
    torch.compiler.reset()
    network: nn.Module = torch.compile(copy.deepcopy(forms.single.network), fullgraph=True)  # type: ignore[assignment]
    return forms.single.with_network(network)
