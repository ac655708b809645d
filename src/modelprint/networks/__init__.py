"""The small published architectures. An architecture is one file and one line in `NETWORKS`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from modelprint.networks.cnn6 import Cnn6
from modelprint.networks.digits import DigitsNet
from modelprint.networks.efficientnet_lite0 import EfficientNetLite0
from modelprint.networks.lenet import LeNet5
from modelprint.networks.mlp import Mlp
from modelprint.networks.resnet import ResNet
from modelprint.networks.small_cnn import SmallCnn
from modelprint.networks.vgg import Vgg11


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How to make an untrained network, and the images and classes it is meant for.

    Attributes:
        make: Called as make(class_count=..., channels=...).
        image_shape: Channels, height and width it expects; the channels may be overridden.
        class_count: Classes of the data set it is usually trained on.
        drawn: Whether it may be drawn at random as a different architecture. Results were published with the present
            set; adding one changes what a seed draws.
    """

    make: Callable[..., nn.Module]
    image_shape: tuple[int, int, int]
    class_count: int
    drawn: bool = True


NETWORKS: dict[str, Architecture] = {
    "resnet20": Architecture(make=partial(ResNet, 3), image_shape=(3, 32, 32), class_count=10),
    "resnet32": Architecture(make=partial(ResNet, 5), image_shape=(3, 32, 32), class_count=10),
    "resnet44": Architecture(make=partial(ResNet, 7), image_shape=(3, 32, 32), class_count=10),
    "resnet56": Architecture(make=partial(ResNet, 9), image_shape=(3, 32, 32), class_count=10),
    "cnn6": Architecture(make=Cnn6, image_shape=(3, 32, 32), class_count=43),
    "vgg11": Architecture(make=Vgg11, image_shape=(3, 32, 32), class_count=10),
    "lenet5": Architecture(make=LeNet5, image_shape=(1, 28, 28), class_count=10),
    "mlp": Architecture(make=partial(Mlp, 28 * 28), image_shape=(1, 28, 28), class_count=10),
    "mlp-faces": Architecture(make=partial(Mlp, 112 * 92), image_shape=(1, 112, 92), class_count=40),
    "efficientnet-lite0": Architecture(make=EfficientNetLite0, image_shape=(3, 224, 224), class_count=1000),
    "cnn3": Architecture(make=partial(SmallCnn, (16, 32, 64)), image_shape=(3, 32, 32), class_count=10, drawn=False),
    "cnn3-wide": Architecture(
        make=partial(SmallCnn, (32, 64, 128)), image_shape=(3, 32, 32), class_count=10, drawn=False
    ),
    "cnn4": Architecture(
        make=partial(SmallCnn, (32, 64, 128, 128)), image_shape=(3, 32, 32), class_count=10, drawn=False
    ),
    "digits": Architecture(make=DigitsNet, image_shape=(1, 8, 8), class_count=10),
}
