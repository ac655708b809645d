"""IBSF in a batch against the public loop, one image at a time.

    make bench            # or: pytest benchmarks/test_ibsf.py -s

Both take the same steps: objective, accumulated gradient, Adam, ball and range (random weights: arithmetic takes the
same time whatever it computes). A batch saves what a step costs whatever its size, so small networks gain most; what is
left of a ResNet-20 on one core is convolutions. The public loop leaves gradients into the weights switched on and the
network as it is, so ours also gains by folding batch norms and by asking for pixel gradients only; a loop with these
two is measured as well, which leaves the batch alone. Ratios are printed, nothing is asserted about time.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.fast.folding import make_quick_copy
from modelprint.methods.ibsf import IBSF
from modelprint.networks import NETWORKS
from modelprint.work import Work

STEPS = 20
SHAPES = {"resnet20": ((3, 32, 32), 50), "lenet5": ((1, 28, 28), 100), "digits": ((1, 8, 8), 100)}
"""Image shape and number of images of each network."""


def random_data(shape: tuple[int, ...], count: int) -> DataSet:
    """Return images of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % 10
    part = LabelledImages(pixels=pixels, labels=labels, class_names=tuple("0123456789"), name="noise")
    return DataSet(name="noise", train=part, test=part)


def public_loop(network: nn.Module, source: Tensor, radius: float) -> Tensor:
    """One image: the entropy of all classes, Adam, a gradient that is never reset, projection in numpy."""
    x = source.clone().requires_grad_()
    reference = source.numpy().copy()
    optimiser = torch.optim.Adam([x], lr=1.0)
    best, lowest = reference, torch.inf
    for _ in range(STEPS):
        p = torch.softmax(torch.squeeze(network(x)), dim=-1)
        loss = (p * p.log()).sum()
        loss.backward()
        optimiser.step()
        shift = x.detach().numpy() - reference
        length = np.sqrt(np.sum(shift**2))
        moved = np.clip(reference + shift * min(1.0, radius / length), 0.0, 1.0).astype(np.float32)
        x.data = torch.tensor(moved)
        if loss < lowest:
            best, lowest = moved, loss.item()
    return torch.from_numpy(best)


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.mark.parametrize("name", SHAPES)
def test_batched_against_one_by_one(name: str) -> None:
    """Prints milliseconds per image and step for the loop and the batch, their ratio, and the peak memory."""
    shape, count = SHAPES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NETWORKS[name].make(class_count=10, channels=shape[0])
    model, data = Classifier(network, image_shape=shape, class_count=10, name=name), random_data(shape, count)
    sources = torch.from_numpy(data.train.pixels).float() / 255
    quick = make_quick_copy(model).network

    def milliseconds(work: Callable[[], object], images: int) -> float:
        work()  # the first call allocates
        return min(seconds(work) for _ in range(3)) / images / STEPS * 1e3

    looped = milliseconds(lambda: [public_loop(model.network, sources[i : i + 1], 1.0) for i in range(4)], 4)
    quickly = milliseconds(lambda: [public_loop(quick, sources[i : i + 1], 1.0) for i in range(4)], 4)
    found = []
    for eight_bit in (False, True):
        method = IBSF(form="published", steps=STEPS, eight_bit=eight_bit)
        work = lambda method=method: method.craft(model, data, data.train.pixels, 0, Work())  # noqa: E731
        found.append(milliseconds(work, count))

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{name}: public loop {looped:.3f}, folded and frozen {quickly:.3f}, batched {found[0]:.3f} ms")
    print(f"per image and step: {looped / found[0]:.1f} times as fast, {quickly / found[0]:.1f} by the batch alone")
    print(f"with eight-bit scores {found[1]:.3f} ms: {looped / found[1]:.1f} times")
    print(f"peak memory {memory:.2f} GiB, {torch.get_num_threads()} threads")
    assert (public_loop(model.network, sources[:1], 1.0) - sources[:1]).norm() <= 1 + 1e-4
