"""Input normalisation as the first layer, so that every network here takes images in [0, 1]."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """Subtract a mean and divide by a standard deviation, channel by channel.

    Both are constants of the architecture, not weights, and not part of the state dict.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float] | Tensor, std: Sequence[float] | Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.as_tensor(std).view(1, -1, 1, 1), persistent=False)

    @classmethod
    def alike(cls, mean: float, std: float, channels: int) -> "Normalise":
        """Return the same for each channel; on the meta device any number of them costs nothing."""
        return cls(torch.full((channels,), mean), torch.full((channels,), std))

    def forward(self, images: Tensor) -> Tensor:
        """Return the normalised images."""
        return (images - self.mean) / self.std
