"""LeNet-5 for 28x28 grey images.

Source: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 1998. Departures, as in all modern versions: ReLU and max pooling instead of scaled tanh and
trainable subsampling, full connections in the second convolution, a linear layer instead of radial basis functions.
"""

from torch import Tensor, nn

from modelprint.networks.normalise import Normalise


class LeNet5(nn.Module):
    """Two 5x5 convolutions (6 and 16 channels) and linear layers of 120, 84 and the classes."""

    def __init__(self, class_count: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.normalise = Normalise.alike(0.1307, 0.3081, channels)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.hidden = nn.Sequential(nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU())
        self.linear = nn.Linear(84, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        x = self.convolutions(self.normalise(images)).flatten(1)
        logits: Tensor = self.linear(self.hidden(x))
        return logits
