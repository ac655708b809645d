"""Serving on a GPU; absent on machines without one."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from modelprint.calibration.forms import Forms
from modelprint.classifier import Classifier
from modelprint.tensors import Images, Logits

DEVICE = "cuda"

Algorithms = Literal["usual", "deterministic", "fastest"]
"""How cuDNN chooses: by its rules, among those that repeat bit for bit, or by trying them out."""
Tf32Use = Literal["nothing", "convolutions", "everything"]
"""What TF32 is allowed for."""


def cuda(forms: Forms, images: Images, *, tf32: Tf32Use = "nothing", algorithms: Algorithms = "usual") -> Logits:
    """Compute in float32."""
    with _switch(tf32, algorithms):
        return _compute(forms, forms.make_once(_move_to_gpu), images)


def cuda_cast(forms: Forms, images: Images, *, dtype: torch.dtype) -> Logits:
    """Compute with weights, images and everything between in another type."""
    with _switch("convolutions", "usual"):
        return _compute(forms, forms.make_once(_move_to_gpu, dtype), images)


def cuda_autocast(forms: Forms, images: Images, *, dtype: torch.dtype) -> Logits:
    """Compute with float32 weights while PyTorch uses another type where it considers that safe."""
    with _switch("convolutions", "usual"), torch.autocast(DEVICE, dtype):
        return _compute(forms, forms.make_once(_move_to_gpu), images)


@contextmanager
def _switch(tf32: Tf32Use, algorithms: Algorithms) -> Iterator[None]:
    products = torch.backends.cuda.matmul.allow_tf32
    choice = {"deterministic": algorithms == "deterministic", "benchmark": algorithms == "fastest"}
    torch.backends.cuda.matmul.allow_tf32 = tf32 == "everything"
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32 != "nothing", **choice):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = products


def _compute(forms: Forms, model: Classifier, images: Images) -> Logits:
    return torch.cat(
        [model.logits(part.float().to(DEVICE), batch=forms.batch).cpu() for part in images.split(forms.batch)]
    )


def _move_to_gpu(forms: Forms, dtype: torch.dtype = torch.float32) -> Classifier:
    if not torch.cuda.is_available():
        raise RuntimeError("PyTorch finds no CUDA device")
    return forms.single.with_network(copy.deepcopy(forms.single.network).to(DEVICE, dtype))
