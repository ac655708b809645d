"""The CIFAR residual networks ResNet-20, 32, 44 and 56.

Source: K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2, with
the parameter-free "option A" shortcuts. Names of the layers and the normalisation are those of the public weights of
Y. Idelbayev (akamaster/pytorch_resnet_cifar10, BSD-2-Clause), so that these load unchanged.
"""

import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.networks.normalise import Normalise

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class PadShortcut(nn.Module):
    """Option A: take every second pixel and pad the channels with zeros, half on each side."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Return x at half the size with `padding` zero channels before and after."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and a shortcut around them."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = PadShortcut((channels - channels_in) // 2) if stride != 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, after its last ReLU."""
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(residual + self.shortcut(x))


class ResNet(nn.Module):
    """A ResNet of depth 6 n + 2 for 32x32 images: n blocks in each of three stages of 16, 32 and 64 channels."""

    def __init__(self, blocks: int, class_count: int = 10, channels: int = 3) -> None:
        super().__init__()
        colour = channels == 3
        self.normalise = Normalise(IMAGENET_MEAN, IMAGENET_STD) if colour else Normalise.alike(0.5, 0.5, channels)
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _make_stage(16, 16, blocks, stride=1)
        self.layer2 = _make_stage(16, 32, blocks, stride=2)
        self.layer3 = _make_stage(32, 64, blocks, stride=2)
        self.linear = nn.Linear(64, class_count)
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        x = F.relu(self.bn1(self.conv1(self.normalise(images))))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits


def _make_stage(channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(channels_in, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
