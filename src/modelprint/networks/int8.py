"""Eight-bit weights: a linear layer in integer arithmetic, as in dynamic quantisation, and simulated rounding."""

import torch
from torch import Tensor, nn

from modelprint.networks.layers import list_layers


class Int8Linear(nn.Module):
    """Int8 weights, dynamically quantised 7-bit activations, integer products, float result.

    Symmetric per-tensor weights (scale = largest magnitude / 127.5) and asymmetric activations in 0..127, as in
    PyTorch's dynamic quantisation on x86. Departure: each row has its own activation range, so that the output for an
    image does not depend on the other images in its batch.
    """

    weight_int8: Tensor
    scale: Tensor
    bias: Tensor

    LEVELS = 127

    def __init__(self, features: int, class_count: int) -> None:
        super().__init__()
        self.register_buffer("weight_int8", torch.zeros(class_count, features, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("bias", torch.zeros(class_count))

    @classmethod
    def of(cls, linear: nn.Linear) -> "Int8Linear":
        """Quantise a float layer."""
        layer = cls(linear.in_features, linear.out_features)
        weight = linear.weight.detach()
        layer.scale = weight.abs().max().clamp_min(1e-12) / 127.5
        layer.weight_int8 = (weight / layer.scale).round().clamp(-128, 127).to(torch.int8)
        if linear.bias is not None:
            layer.bias = linear.bias.detach().clone()
        return layer

    def dequantise(self) -> Tensor:
        """Return the float weights that the integers represent."""
        return self.weight_int8.to(self.scale.dtype) * self.scale

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits; the matrix product is exact, in integers."""
        low = features.amin(1, keepdim=True).clamp_max(0)
        high = features.amax(1, keepdim=True).clamp_min(0)
        step = ((high - low) / self.LEVELS).clamp_min(1e-12)
        zero = (-low / step).round()
        levels = (features / step + zero).round().clamp(0, self.LEVELS)
        # Products of small integers sum exactly in float64; int matmul has no gradient and is slower on CPUs.
        products = (levels - zero).double() @ self.weight_int8.double().T
        return (products * (step * self.scale).double()).to(features.dtype) + self.bias


def quantise_linears(network: nn.Module) -> nn.Module:
    """Quantise every linear layer, in place; returns `network`. LoadingError when there is none."""
    for name, module in list_layers(network, only_linear=True):
        assert isinstance(module, nn.Linear)
        network.set_submodule(name, Int8Linear.of(module))
    return network


def round_weights(network: nn.Module) -> nn.Module:
    """Round every convolution and linear weight to 255 evenly spaced levels per tensor, in place; returns `network`.

    LoadingError when there is none.
    """
    for _, module in list_layers(network):
        step = module.weight.detach().abs().max().clamp_min(1e-12) / 127
        module.weight.data = (module.weight.detach() / step).round() * step
    return network
