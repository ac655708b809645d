"""VGG-11 for 32x32 images.

Source: K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
configuration A. Departures, usual for CIFAR-10: batch norm after each convolution, and one linear layer from the
512 features after the fifth pooling.
"""

from torch import Tensor, nn

from modelprint.networks.normalise import Normalise

CONFIGURATION_A = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool")


class Vgg11(nn.Module):
    """Eight 3x3 convolutions with batch norm, five poolings, one linear layer."""

    def __init__(self, class_count: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.normalise = Normalise.alike(0.5, 0.5, channels)
        self.convolutions = nn.Sequential(*_make_layers(channels))
        self.linear = nn.Linear(512, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        logits: Tensor = self.linear(self.convolutions(self.normalise(images)).flatten(1))
        return logits


def _make_layers(channels: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for width in CONFIGURATION_A:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
    return layers
