"""Serving in TF32, the float32 of NVIDIA's tensor cores, emulated on the CPU.

TF32 takes factors with ten bits after the leading one and adds their products in float32. PyTorch uses it by default
for convolutions (`torch.backends.cudnn.allow_tf32` is true) and not for matrix products
(`torch.backends.cuda.matmul.allow_tf32` is false).

Departures: every convolution is rounded, also the depthwise ones for which PyTorch has kernels without TF32; libraries
differ in how they round, here it is to the nearest, ties to even.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from modelprint.calibration.forms import Forms
from modelprint.calibration.variants.fp32 import float32
from modelprint.tensors import Images, Logits

DROPPED = 13
"""Of the 23 bits after the leading one that float32 has."""

_aten = torch.ops.aten
CONVOLUTIONS: dict[object, tuple[int, ...]] = {_aten.convolution.default: (0, 1)}
"""Operations, and which of their arguments are factors."""
PRODUCTS: dict[object, tuple[int, ...]] = {
    _aten.addmm.default: (1, 2),
    _aten.mm.default: (0, 1),
    _aten.bmm.default: (0, 1),
    _aten.baddbmm.default: (1, 2),
}


def tf32(forms: Forms, images: Images, *, products: bool = False) -> Logits:
    """Compute in float32 with the factors of convolutions rounded to TF32, with `products` those of matrices too."""
    with _FactorRounding(CONVOLUTIONS | PRODUCTS if products else CONVOLUTIONS):
        return float32(forms, images)


def round_to_tf32(values: Float32[Tensor, "*axes"]) -> Float32[Tensor, "*axes"]:
    """Return the nearest numbers with ten bits after the leading one, of two equally near the even one."""
    bits = values.view(torch.int32)
    last_kept = (bits >> DROPPED) & 1
    rounded = (bits + (2 ** (DROPPED - 1) - 1) + last_kept) & -(2**DROPPED)
    return torch.where(values.isfinite(), rounded.view(torch.float32), values)


class _FactorRounding(TorchDispatchMode):
    """Rounds the factors of some operations, in networks of every kind: built of layers, traced or exported."""

    def __init__(self, factors: Mapping[object, tuple[int, ...]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.factors = factors

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute one operation."""
        which = self.factors.get(func, ())
        given = [_round_factor(value) if place in which else value for place, value in enumerate(args)]
        return func(*given, **(kwargs or {}))


def _round_factor(factor: Tensor) -> Tensor:
    return round_to_tf32(factor) if factor.dtype == torch.float32 else factor
