"""One hidden layer: the network of the smallest published experiments.

Source: the public code of D. P. Kuttichira, S. Gupta, D. Nguyen, S. Rana and S. Venkatesh, "Verification of Integrity
of Deployed Deep Learning Models Using Bayesian Optimization", Knowledge-Based Systems 2022 (nphdang/BCD): 784-256-10
with ReLU for MNIST, and the same number of hidden units for faces. Inputs are the grey values in [0, 1].

Departures: the outputs are logits instead of probabilities, as for all networks here.
"""

from torch import Tensor, nn


class Mlp(nn.Module):
    """All pixels, one ReLU layer of `hidden` units, one linear layer."""

    def __init__(self, area: int, hidden: int = 256, *, class_count: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Linear(area * channels, hidden)
        self.relu = nn.ReLU()
        self.linear = nn.Linear(hidden, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.linear(self.relu(self.hidden(images.flatten(1))))
        return logits
