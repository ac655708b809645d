"""The six-convolution network for the German traffic signs.

Source: MiSentry / BIVBench ("6 convolution layers and 1 full-connected layer"); widths, order and dropout as in the
public benchmark repository (CGCL-codes/BIVBench): 3x3 convolution, ReLU, batch norm; 2x2 max pooling and dropout 0.2
after each pair; one linear layer from 2048.
"""

from torch import Tensor, nn

from modelprint.networks.normalise import Normalise


class Cnn6(nn.Module):
    """Convolutions of 32, 32, 64, 64, 128 and 128 channels for 32x32 images, and one linear layer."""

    def __init__(self, class_count: int = 43, channels: int = 3) -> None:
        super().__init__()
        self.normalise = Normalise.alike(0.5, 0.5, channels)
        pairs = zip((channels, 32, 64), (32, 64, 128), strict=True)
        self.convolutions = nn.Sequential(*(_make_pair(before, after) for before, after in pairs))
        self.linear = nn.Linear(128 * 4 * 4, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.linear(self.convolutions(self.normalise(images)).flatten(1))
        return logits


def _make_pair(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(channels),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
    )
