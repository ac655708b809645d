"""Quantisation to eight bits.

Source: MiSentry appendix C.2 (PyTorch's dynamic quantisation, which changes only linear layers, so only the last layer
of a ResNet) and, for all weights, symmetric per-tensor rounding as in progressive bit search (BFA, A. S. Rakin et al.,
ICCV 2019: step = largest magnitude / 127).

Departure: dynamic quantisation runs in `Int8Linear`, whose integers and scale are PyTorch's own (a test compares them);
the deprecated API would not load from safetensors.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.networks.int8 import Int8Linear
from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class Quantise:
    """Eight-bit weights.

    Attributes:
        what: "linear": every linear layer in integer arithmetic, activations quantised as they come;
            "weights": the weights of every convolution and linear layer rounded to 255 levels, float arithmetic.
    """

    what: Literal["linear", "weights"] = "linear"

    @property
    def deterministic(self) -> bool:
        """Rounding draws nothing."""
        return True

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the quantised network."""
        network = model.copy().network
        return Tampered(network=_integer_linears(network) if self.what == "linear" else _rounded_weights(network))


def _integer_linears(network: nn.Module) -> nn.Module:
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Linear):
            network.set_submodule(name, Int8Linear.of(module))
    return network


def _rounded_weights(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            step = module.weight.detach().abs().max().clamp_min(1e-12) / 127
            module.weight.data = (module.weight.detach() / step).round() * step
    return network
