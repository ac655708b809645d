"""Fine-tuning the last layer on cached features against the same steps through the whole network.

    make bench            # or: pytest benchmarks/test_features.py -s

Both take the same SGD steps on the last layer of a ResNet-20 with frozen batch norm, in the same order (random weights:
arithmetic takes the same time whatever it computes). One computes the inputs of the last layer once and trains on
those; the other sends every batch through the network. Ratios are printed, nothing is asserted about time.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.fast.known import features_on
from modelprint.networks import NETWORKS
from modelprint.streams import stream
from modelprint.training import ImageBatches, Recipe, TensorBatches, train, use_one_thread

IMAGES = 1280
MODELS = 3
RECIPE = Recipe(learning_rate=1e-3, batch=64, batch_norm="frozen")


def resnet20() -> Classifier:
    """Return a ResNet-20 with random weights, of which only the last layer learns."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NETWORKS["resnet20"].make(class_count=10, channels=3)
    model = Classifier(network, image_shape=(3, 32, 32), class_count=10, name="resnet20")
    model.network.requires_grad_(False)
    model.head.requires_grad_()
    return model


def noise(count: int) -> LabelledImages:
    """Return images of noise."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), np.arange(count, dtype=np.int64) % 10
    return LabelledImages(pixels=pixels, labels=labels, class_names=tuple("0123456789"), name="noise")


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_cached_features_against_the_whole_network() -> None:
    """Prints the seconds of an epoch for both, of the features, and the ratios with and without these."""
    original, data = resnet20(), noise(IMAGES)
    labels = torch.from_numpy(data.labels)
    whole, cached = original.copy(), original.copy()
    whole.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    with use_one_thread():
        once = seconds(lambda: features_on(original, data))
        features = TensorBatches(inputs=features_on(original, data), labels=labels)
        slow = seconds(lambda: train(whole.network, ImageBatches(data=data), RECIPE, stream(0)))
        train(original.copy().head, features, RECIPE, stream(0))  # the first epoch of all finds nothing in the caches
        quick = seconds(lambda: train(cached.head, features, RECIPE, stream(0)))

    print(f"\none epoch over {IMAGES} images: whole network {slow:.3f} s, cached features {quick:.4f} s")
    print(f"ratio {slow / quick:.0f}; features {once:.3f} s, once for all models of a target")
    print(f"ratio with the features for {MODELS} models {MODELS * slow / (once + MODELS * quick):.1f}")
    torch.testing.assert_close(cached.head.weight, whole.head.weight, rtol=1e-4, atol=1e-5)
