"""Junctions against IBSF's published ascent, and where the time of a junction goes.

    make bench            # or: pytest benchmarks/test_junction.py -s

IBSF takes 5,000 gradient steps for an image; a few are timed in a batch and multiplied. Junctions are made one search
after the other, as `generate` does. Random weights: arithmetic takes the same time whatever it computes, but trees are
searched at their own pace, so figures on a trained network differ a little. Ratios are printed, nothing is asserted
about time; what these fingerprints see is in docs/results.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.junction import Box, Precisions, Relations, find_junctions
from modelprint.crafting.lattice import diffuse, refine
from modelprint.data import DataSet, LabelledImages
from modelprint.methods.ibsf import IBSF
from modelprint.methods.junction import Junction
from modelprint.networks import NETWORKS
from modelprint.streams import stream
from modelprint.tensors import to_images
from modelprint.work import Work

IMAGES = 10
STEPS = 20
PUBLISHED = 5000
"""Steps of IBSF for one image."""


def random_data() -> DataSet:
    """Return images of noise."""
    pixels = np.random.default_rng(0).integers(40, 216, (IMAGES, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(IMAGES, dtype=np.int64) % 10
    part = LabelledImages(pixels=pixels, labels=labels, class_names=tuple("0123456789"), name="noise")
    return DataSet(name="noise", train=part, test=part)


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.fixture(scope="module")
def resnet() -> Classifier:
    """Return a ResNet-20 of random weights."""
    torch.manual_seed(0)
    return Classifier(NETWORKS["resnet20"].make(class_count=10, channels=3), image_shape=(3, 32, 32), class_count=10)


@pytest.mark.parametrize("k", [3, 10])
def test_junctions_against_the_published_ascent(resnet: Classifier, k: int) -> None:
    """Prints seconds for an image of each, their ratio, and the peak memory."""
    data = random_data()
    pixels = data.train.pixels

    Junction(k=(k,), rounds=1).craft(resnet, data, pixels[:1], 0, Work())  # the first call allocates
    ours = seconds(lambda: Junction(k=(k,), margin=1e-4).craft(resnet, data, pixels, 0, Work())) / IMAGES
    ascent = IBSF(form="published", steps=STEPS, eight_bit=False)
    theirs = seconds(lambda: ascent.craft(resnet, data, pixels, 0, Work())) / IMAGES / STEPS * PUBLISHED

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"\nk = {k}: junction {ours:.2f} s, {PUBLISHED} steps of IBSF {theirs:.1f} s an image")
    print(f"{theirs / ours:.1f} times as fast as that")
    print(f"100 samples in {100 * ours:.0f} s on {torch.get_num_threads()} thread(s); peak {peak:.0f} MiB")


@pytest.mark.parametrize("k", [3, 10])
def test_where_the_time_goes(resnet: Classifier, k: int) -> None:
    """Prints seconds for an image of Newton's method, of error diffusion and of the search."""
    precisions, method = Precisions(resnet), Junction(k=(k,))
    sources = to_images(random_data().train.pixels)
    box, images, classes = Box.around(sources), sources, torch.arange(k).expand(IMAGES, -1)

    def newton() -> None:
        nonlocal images, classes
        images, classes = find_junctions(precisions.quick, sources, k, box, method.steps)

    solving = seconds(newton)
    relations, levels = Relations.tie(classes, 1e-4), images.double()

    def diffusing() -> None:
        nonlocal levels
        levels = diffuse(precisions, images, relations, box)

    spreading = seconds(diffusing)

    def searching() -> None:
        for i in range(IMAGES):
            row = torch.tensor([i])
            inside = box.take(slice(i, i + 1))
            refine(precisions, levels[row], relations.take(row), inside, 1e-4, method.search(k), stream(0, i))

    parts = {"Newton": solving, "error diffusion": spreading, "search": seconds(searching)}
    print(f"\nk = {k}: " + ", ".join(f"{name} {took / IMAGES:.3f} s" for name, took in parts.items()))
