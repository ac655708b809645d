"""The operators that an exported program may use: arithmetic on tensors, and on the sizes of tensors.

An operator that is not in these tables is refused, so a program can neither open a file nor call code of its own.
"""

import operator
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch

Operator = Callable[..., Any]

LAYERS = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d avg_pool1d avg_pool2d max_pool1d max_pool2d
    max_pool2d_with_indices _adaptive_avg_pool2d alpha_dropout batch_norm conv1d conv2d conv_transpose2d convolution
    dropout embedding feature_dropout group_norm instance_norm layer_norm linear lstm
    native_batch_norm native_dropout native_group_norm native_layer_norm
    _native_batch_norm_legit _native_batch_norm_legit_no_training rms_norm scaled_dot_product_attention
    _scaled_dot_product_flash_attention_for_cpu pixel_shuffle pixel_unshuffle channel_shuffle upsample_bicubic2d
    upsample_bilinear2d upsample_nearest2d _upsample_nearest_exact2d grid_sampler_2d unfold im2col
"""
ACTIVATIONS = """
    celu elu gelu glu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_sigmoid log_softmax _log_softmax mish
    prelu relu relu6 rrelu selu sigmoid silu softmax _softmax softplus softshrink tanh threshold
"""
ARITHMETIC = """
    abs acos add addcdiv addcmul addmm baddbmm bitwise_and bitwise_not bitwise_or bmm ceil clamp clamp_max clamp_min cos
    cumsum div dot einsum eq erf exp expm1 floor floor_divide fmod ge gt isfinite isinf isnan le log log10 log1p log2
    logical_and logical_not logical_or lt matmul maximum minimum mm mul mv ne neg pow reciprocal remainder round rsqrt
    rsub sign sin sqrt square sub tan trunc where masked_fill lerp nan_to_num
"""
REDUCTIONS = """
    all amax amin any argmax argmin linalg_vector_norm logsumexp max mean min norm prod std sum topk var var_mean sort
"""
SHAPES = """
    alias cat chunk clone concat constant_pad_nd contiguous copy detach diagonal expand expand_as flatten flip gather
    index index_select lift_fresh_copy lift_fresh movedim narrow pad permute reflection_pad1d reflection_pad2d repeat
    repeat_interleave replication_pad2d reshape roll rot90 scatter select slice split split_with_sizes squeeze stack
    swapaxes t tile transpose type_as unbind unflatten unsafe_chunk unsafe_split unsqueeze view view_as _unsafe_view
    numpy_T adjoint mT
"""
MAKERS = """
    arange empty full full_like linspace new_empty new_full new_ones new_zeros ones ones_like scalar_tensor zeros
    zeros_like empty_like to _to_copy
"""
SIZES = "sym_size sym_numel sym_stride sym_storage_offset"
CHECKS = "_assert_scalar _assert_tensor_metadata sym_constrain_range sym_constrain_range_for_size _assert_async"

ATEN = frozenset(" ".join((LAYERS, ACTIVATIONS, ARITHMETIC, REDUCTIONS, SHAPES, MAKERS, SIZES, CHECKS)).split())
"""Names of operators of ATen; one that ends in an underscore writes into its first argument."""

QUANTIZED = frozenset(
    ["quantize_per_tensor", "dequantize_per_tensor", "quantize_per_channel", "dequantize_per_channel", "choose_qparams"]
)
"""Names of operators that PT2E quantisation leaves in a program."""

PYTHON: dict[str, Operator] = {
    "_operator.add": operator.add,
    "_operator.sub": operator.sub,
    "_operator.mul": operator.mul,
    "_operator.floordiv": operator.floordiv,
    "_operator.truediv": operator.truediv,
    "_operator.mod": operator.mod,
    "_operator.neg": operator.neg,
    "_operator.eq": operator.eq,
    "_operator.ne": operator.ne,
    "_operator.lt": operator.lt,
    "_operator.le": operator.le,
    "_operator.gt": operator.gt,
    "_operator.ge": operator.ge,
    "_operator.and_": operator.and_,
    "_operator.or_": operator.or_,
    "_operator.getitem": operator.getitem,
    "math.trunc": int,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_not": operator.not_,
}
"""Arithmetic on sizes."""

_TARGET = re.compile(r"torch\.ops\.(aten|quantized_decomposed)\.([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)", re.ASCII)


def find_operator(target: str) -> Operator | None:
    """Return the operator that a program calls `target`; None when a program may not use it."""
    if target in PYTHON:
        return PYTHON[target]
    match = _TARGET.fullmatch(target)
    if match is None:
        return None
    space, name, overload = match.groups()
    if space == "aten":
        known = name in ATEN or (name.endswith("_") and name[:-1] in ATEN)
    else:
        known = name in QUANTIZED
        if known:
            import_module("torch.ao.quantization.fx._decomposed")  # registers these operators
    if not known:
        return None
    packet = getattr(getattr(torch.ops, space), name, None)
    if packet is None or overload not in packet.overloads():
        return None
    found: Operator = getattr(packet, overload)
    return found


def writes_in_place(target: str) -> bool:
    """Return whether the operator called `target` changes its first argument."""
    match = _TARGET.fullmatch(target)
    return match is not None and match[2].endswith("_") and not match[2].endswith("__")
