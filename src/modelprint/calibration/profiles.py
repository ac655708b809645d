"""Serving profiles: which honest differences between servers must not raise an alarm.

A profile holds the ways of serving that its name stands for, and those of the milder profiles that it implies: a server
that uses TF32 today may use float32 tomorrow. The reference is float64 in all of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch

from modelprint.calibration.forms import Variant
from modelprint.calibration.variants import cuda, fp32, half, int8
from modelprint.calibration.variants.jpeg import jpeg
from modelprint.calibration.variants.tf32 import tf32

FLOAT64 = "float64"
FLOAT32 = "float32, batch 1"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Which honest serving differences must not raise an alarm.

    Attributes:
        name: What a fingerprint calls it.
        variants: The ways of serving, the reference first.
    """

    name: str
    variants: Mapping[str, Variant]


_EXACT: dict[str, Variant] = {FLOAT64: fp32.float64, FLOAT32: partial(fp32.float32, batch=1)}
_FP32: dict[str, Variant] = {
    **_EXACT,
    "float32, batch 7": partial(fp32.float32, batch=7),
    "float32, batch 64": partial(fp32.float32, batch=64),
    "float32, batch 256": partial(fp32.float32, batch=256),
    "1 thread": partial(fp32.threads, count=1),
    "2 threads": partial(fp32.threads, count=2),
    "channels-last": fp32.lay_out_channels_last,
    "folded batch norm": fp32.fold,
    "oneDNN off, NNPACK on": partial(fp32.disable_onednn, nnpack=True),
    "oneDNN and NNPACK off": partial(fp32.disable_onednn, nnpack=False),
    "exported": fp32.export,
    "compiled": fp32.compile_network,
    "ONNX Runtime, all optimisations": partial(fp32.onnx_runtime, optimised=True),
    "ONNX Runtime, no optimisation": partial(fp32.onnx_runtime, optimised=False),
    "CUDA": cuda.cuda,
    "CUDA, deterministic cuDNN": partial(cuda.cuda, algorithms="deterministic"),
    "CUDA, fastest cuDNN": partial(cuda.cuda, algorithms="fastest"),
}
_TF32: dict[str, Variant] = {
    **_FP32,
    "TF32 convolutions, emulated": tf32,
    "TF32 everywhere, emulated": partial(tf32, products=True),
    "CUDA, TF32 convolutions": partial(cuda.cuda, tf32="convolutions"),
    "CUDA, TF32 everywhere": partial(cuda.cuda, tf32="everything"),
}
_FP16: dict[str, Variant] = {
    **_TF32,
    "weights stored in float16": partial(half.store, dtype=torch.float16),
    "float16": partial(half.cast, dtype=torch.float16),
    "CUDA, float16": partial(cuda.cuda_cast, dtype=torch.float16),
    "CUDA, float16 autocast": partial(cuda.cuda_autocast, dtype=torch.float16),
}
# Without those of float16: a classifier whose activations are too large for it can still be served in bfloat16.
_BF16: dict[str, Variant] = {
    **_TF32,
    "weights stored in bfloat16": partial(half.store, dtype=torch.bfloat16),
    "bfloat16 autocast": partial(half.autocast, dtype=torch.bfloat16),
    "bfloat16": partial(half.cast, dtype=torch.bfloat16),
    "CUDA, bfloat16": partial(cuda.cuda_cast, dtype=torch.bfloat16),
    "CUDA, bfloat16 autocast": partial(cuda.cuda_autocast, dtype=torch.bfloat16),
}
_INT8: dict[str, Variant] = {
    **_TF32,
    "int8 linear layers, dynamic": int8.dynamic,
    "int8 weights": int8.weights,
    "int8, static": int8.static,
}

PROFILES: dict[str, Profile] = {
    name: Profile(name=name, variants=variants)
    for name, variants in {
        "exact": _EXACT,
        "fp32": _FP32,
        "tf32": _TF32,
        "fp16": _FP16,
        "bf16": _BF16,
        "int8": _INT8,
    }.items()
}
"""Every profile except those of JPEG, by name; `find_profile` has these too."""

PRECISIONS: dict[str, Variant] = {
    "fp32": _FP32[FLOAT32],
    "tf32": _TF32["TF32 convolutions, emulated"],
    "fp16": _FP16["float16"],
    "bf16": _BF16["bfloat16"],
    "int8": _INT8["int8, static"],
}
"""By name of a precision: the one way of serving that represents it on every machine."""

_JPEG = re.compile(r"jpeg-([1-9][0-9]?|100)")


def find_profile(name: str) -> Profile:
    """Return the profile in PROFILES, or `jpeg-Q`, that of a server which receives JPEG files of quality Q.

    Raises:
        ValueError: There is no such profile; the message lists the choices.
    """
    if name in PROFILES:
        return PROFILES[name]
    match = _JPEG.fullmatch(name)
    if match is None:
        raise ValueError(f"there is no profile {name!r}; choose one of {', '.join(PROFILES)}, or jpeg-1 to jpeg-100")
    quality = int(match[1])
    variants: dict[str, Variant] = {
        f"JPEG {quality}, 4:2:0": partial(jpeg, quality=quality, subsampling="4:2:0"),
        f"JPEG {quality}, 4:4:4": partial(jpeg, quality=quality, subsampling="4:4:4"),
    }
    return Profile(name=name, variants=_FP32 | variants)
