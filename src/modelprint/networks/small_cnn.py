"""Small convolutional networks for images of any size: twenty of them train in an hour or two.

Departures: there is no source. Papers on ownership train small networks without a name; these have the usual layers of
such networks.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from modelprint.networks.normalise import Normalise


class SmallCnn(nn.Module):
    """3x3 convolutions with batch norm, pooling between each two, the mean of each channel and one linear layer."""

    def __init__(self, widths: Sequence[int], class_count: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.normalise = Normalise.alike(0.5, 0.5, channels)
        layers: list[nn.Module] = []
        for before, after in pairwise((channels, *widths)):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        self.convolutions = nn.Sequential(*layers[:-1])
        self.linear = nn.Linear(widths[-1], class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.linear(self.convolutions(self.normalise(images)).mean((2, 3)))
        return logits
