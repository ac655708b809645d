"""A small network for the 8x8 digits of scikit-learn: trains in seconds; for the quickstart and the tests."""

from torch import Tensor, nn

from modelprint.networks.normalise import Normalise


class DigitsNet(nn.Module):
    """Two 3x3 convolutions with batch norm (16 and 32 channels), one pooling, one linear layer."""

    def __init__(self, class_count: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.normalise = Normalise.alike(0.5, 0.5, channels)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.linear = nn.Linear(32 * 4 * 4, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.linear(self.convolutions(self.normalise(images)).flatten(1))
        return logits
