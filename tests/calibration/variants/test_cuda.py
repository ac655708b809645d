"""Serving on a GPU: switches are set for the time of one variant; without a GPU a reason is given."""

from typing import Any

import pytest
import torch

from modelprint.calibration import PROFILES, Forms
from modelprint.calibration.variants import cuda
from modelprint.classifier import Classifier

NAMES = [(p, name) for p in ("tf32", "fp16", "bf16") for name in PROFILES[p].variants if "CUDA" in name]
IMAGES = torch.rand(5, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def switches() -> tuple[bool, ...]:
    """Return everything that the variants turn."""
    cudnn = torch.backends.cudnn
    return torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_reason_says_so(tiny_model: Classifier) -> None:
    """The variant is then absent from the profile."""
    with pytest.raises(RuntimeError, match="finds no CUDA device"):
        cuda.cuda(Forms(tiny_model), IMAGES)


@pytest.mark.parametrize(("profile", "name"), sorted(set(NAMES)))
def test_every_gpu_variant_runs_and_restores_its_switches(
    profile: str, name: str, tiny_model: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the processor in the part of the GPU: the same labels, near logits, switches as before."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "DEVICE", "cpu")
    before = switches()

    logits = PROFILES[profile].variants[name](Forms(tiny_model), IMAGES)

    assert switches() == before
    assert torch.allclose(logits.float(), tiny_model.logits(IMAGES), atol=0.1)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (False, False, False, False)),
        ({"tf32": "convolutions"}, (False, True, False, False)),
        ({"tf32": "everything"}, (True, True, False, False)),
        ({"algorithms": "deterministic"}, (False, False, True, False)),
        ({"algorithms": "fastest"}, (False, False, False, True)),
    ],
)
def test_a_variant_sets_what_it_stands_for(
    settings: dict[str, Any], expected: tuple[bool, ...], tiny_model: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF32 for products, for convolutions, determinism, trying algorithms out: seen from inside the network."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "DEVICE", "cpu")
    seen = []
    hook = torch.nn.modules.module.register_module_forward_hook(lambda *_: seen.append(switches()))

    try:
        cuda.cuda(Forms(tiny_model), IMAGES, **settings)
    finally:
        hook.remove()

    assert set(seen) >= {expected}
    assert seen[-1] == expected
