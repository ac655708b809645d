"""The training loop against a bare PyTorch loop of the same arithmetic.

    make bench            # or: pytest benchmarks/test_training.py -s

Both take the same SGD steps on all layers of a ResNet-20 (random weights: arithmetic takes the same time whatever it
computes) and end with the same weights. The bare loop has its images ready as floats; ours turns eight-bit images into
floats batch by batch, checks each loss and reports progress, and is timed with crops and mirror images as well. The
fastest of several turns counts for each. Ratios are printed, nothing is asserted about time.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import nn

from modelprint.data import LabelledImages
from modelprint.networks import NETWORKS
from modelprint.streams import stream
from modelprint.tensors import to_images
from modelprint.training import ImageBatches, Recipe, train, use_one_thread

IMAGES = 640
TURNS = 3
RECIPE = Recipe(learning_rate=1e-3, momentum=0.9, weight_decay=5e-4, batch=64)


def resnet20() -> nn.Module:
    """Return a ResNet-20 with random weights, laid out for convolutions on CPUs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NETWORKS["resnet20"].make(class_count=10, channels=3)
    return network.to(memory_format=torch.channels_last)


def noise(count: int) -> LabelledImages:
    """Return images of noise."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), np.arange(count, dtype=np.int64) % 10
    return LabelledImages(pixels=pixels, labels=labels, class_names=tuple("0123456789"), name="noise")


def bare(network: nn.Module, data: LabelledImages) -> Callable[[], nn.Module]:
    """Return an epoch written down as shortly as possible, its images ready beforehand."""
    images = to_images(data.pixels).contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(data.labels)
    rng = stream(0)
    torch.randint(2**62, (), generator=rng)  # the training loop's first draw, the seed of dropout
    order = torch.randperm(len(labels), generator=rng)

    def epoch() -> nn.Module:
        optimiser = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, nesterov=True)
        network.train()
        for index in order.split(RECIPE.batch):
            optimiser.zero_grad()
            F.cross_entropy(network(images[index]), labels[index]).backward()
            optimiser.step()
        return network.eval()

    return epoch


def ours(network: nn.Module, batches: ImageBatches) -> Callable[[], nn.Module]:
    """Return an epoch of the training loop."""

    def epoch() -> nn.Module:
        train(network, batches, RECIPE, stream(0))
        return network

    return epoch


def test_our_loop_against_a_bare_one() -> None:
    """Prints milliseconds per step of each, and the ratios."""
    data = noise(IMAGES)
    plain, augmented = ImageBatches(data=data), ImageBatches(data=data, augment="crop-flip")
    fastest, trained = dict.fromkeys(("bare", "ours", "augmented"), float("inf")), {}

    with use_one_thread():
        for _ in range(TURNS):
            epochs = {
                "bare": bare(resnet20(), data),
                "ours": ours(resnet20(), plain),
                "augmented": ours(resnet20(), augmented),
            }
            for name, epoch in epochs.items():
                started = time.perf_counter()
                trained[name] = epoch()
                fastest[name] = min(fastest[name], time.perf_counter() - started)

    steps = IMAGES / RECIPE.batch
    print("\n" + ", ".join(f"{name} {value / steps * 1e3:.1f}" for name, value in fastest.items()), "ms per step")
    print(f"ratio {fastest['ours'] / fastest['bare']:.3f}, augmented {fastest['augmented'] / fastest['bare']:.3f}")
    pairs = zip(trained["ours"].parameters(), trained["bare"].parameters(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
