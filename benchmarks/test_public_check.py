"""PublicCheck's walk in a batch against the same walks one image at a time.

    make bench            # or: pytest benchmarks -s

The walks, their noise and their number of steps are the same: the label never changes, so that all of them take every
step in both directions. Generator and classifier have random weights: arithmetic takes the same time whatever it
computes. Two classifiers are timed, since what a step costs is mostly the generator for a small one. Ratios and the
peak memory are printed; nothing is asserted about time.
"""

import resource
import time

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.generators import GeneratorNetwork
from modelprint.generators.vq_vae import VqVae
from modelprint.methods.public_check import PublicCheck
from modelprint.networks import NETWORKS
from modelprint.pixels import Pixels
from modelprint.progress import ignore_progress
from modelprint.tensors import Labeller, Labels, to_images

WALKS = 100
STEPS = 5


def generator(shape: tuple[int, int, int]) -> GeneratorNetwork:
    """Return the published generator with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return VqVae().build(shape).eval().requires_grad_(False)


def never_changing(name: str, shape: tuple[int, int, int]) -> Labeller:
    """Return what computes a classifier's labels and answers 0 all the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NETWORKS[name].make(class_count=10, channels=shape[0])
    model = Classifier(network, image_shape=shape, class_count=10)

    def label(pixels: Pixels) -> Labels:
        return 0 * model.labels(to_images(pixels))

    return label


def noise(shape: tuple[int, int, int]) -> DataSet:
    """Return images of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (WALKS, *shape), dtype=np.uint8)
    labels = np.arange(WALKS, dtype=np.int64) % 10
    part = LabelledImages(pixels=pixels, labels=labels, class_names=tuple("0123456789"), name="noise")
    return DataSet(name="noise", train=part, test=part)


@pytest.mark.parametrize(("network", "shape"), [("lenet5", (1, 28, 28)), ("resnet20", (3, 32, 32))])
def test_batched_against_one_by_one(network: str, shape: tuple[int, int, int]) -> None:
    """Prints milliseconds per step of a walk for both, their ratio, and the peak memory."""
    made, label, data = generator(shape), never_changing(network, shape), noise(shape)
    method = PublicCheck(steps=STEPS, rate=0.5, naturalness="none")

    def milliseconds(sources: Pixels, size: int) -> float:
        started = time.perf_counter()
        for first in range(0, len(sources), size):
            pairs = method.walk(made, label, data, sources[first : first + size], 0, ignore_progress)
            assert not pairs.found.any()
        return (time.perf_counter() - started) / (len(sources) * 2 * STEPS) * 1e3

    milliseconds(data.train.pixels[:1], 1)  # whatever is made once
    one, all_together = milliseconds(data.train.pixels[:20], 1), milliseconds(data.train.pixels, WALKS)

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{network}: one by one {one:.2f}, {WALKS} together {all_together:.2f} ms per step of a walk")
    print(f"ratio {one / all_together:.1f}, peak memory {memory:.2f} GiB, {torch.get_num_threads()} threads")
