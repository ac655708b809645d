"""C-examples in a batch against one at a time.

    make bench            # or: pytest benchmarks/test_c_examples.py -s

Both take the same steps of RC and RC+GM: draw the weights, take the gradient by the pixels, mean over the draws, step
along its sign, clip. The loop is what the paper describes: one image, its own draws, written into the weights and taken
out again. The batch shares each draw and folds batch norms with the bounds of the noise. A loop whose weights need no
gradient is measured as well. Weights are random: arithmetic takes the same time whatever it computes. Processor time
is measured, so that a busy machine tells the same. Ratios and the peak memory are printed, nothing is asserted about
time.
"""

import resource
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.networks import NETWORKS
from modelprint.ownership import CExamples
from modelprint.work import Work

SHAPES = {"resnet20": ((3, 32, 32), 50), "lenet5": ((1, 28, 28), 100), "digits": ((1, 8, 8), 100)}
"""Image shape and number of examples of each network."""
STEPS = 3
NOISE = 0.01


def one_by_one(network: nn.Module, start: Tensor, label: Tensor, draws: int, noise: float) -> Tensor:
    """Take the steps for one image, with draws of its own."""
    x = start.clone()
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    weights = [p for m in layers for p in m.parameters(recurse=False)]
    for _ in range(STEPS):
        total = torch.zeros_like(x)
        for _ in range(draws):
            moved = x.clone().requires_grad_()
            changes = [noise * (2 * torch.rand_like(w) - 1) for w in weights] if noise else []
            with torch.no_grad():
                for weight, change in zip(weights, changes, strict=False):
                    weight.add_(change)
            nn.functional.cross_entropy(network(moved), label).backward()
            with torch.no_grad():
                for weight, change in zip(weights, changes, strict=False):
                    weight.sub_(change)
            total += moved.grad
        x = (x - 0.01 * (total / draws).sign()).clamp(0, 1)
    return x


def milliseconds(work: Callable[[], object], images: int, draws: int) -> float:
    """Return the time of one gradient of one image: the least of three, after a first call that allocates."""
    work()
    least = torch.inf
    for _ in range(3):
        started = time.process_time()
        work()
        least = min(least, time.process_time() - started)
    return least / images / draws / STEPS * 1e3


@pytest.mark.parametrize("draws", [1, 10])
@pytest.mark.parametrize("name", SHAPES)
def test_batched_against_one_by_one(name: str, draws: int) -> None:
    """Prints milliseconds per gradient of an image for the loops and the batch, and their ratios."""
    shape, count = SHAPES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NETWORKS[name].make(class_count=10, channels=shape[0])
    model = Classifier(network, image_shape=shape, class_count=10, name=name)
    start, labels = torch.rand(count, *shape), torch.arange(count) % 10
    rc = CExamples(steps=STEPS, noise=NOISE, draws=draws)

    loop = milliseconds(lambda: one_by_one(model.network, start[:1], labels[:1], draws, NOISE), 1, draws)
    frozen = model.copy().network.requires_grad_(False)
    quicker = milliseconds(lambda: one_by_one(frozen, start[:1], labels[:1], draws, NOISE), 1, draws)
    batch = milliseconds(lambda: rc.descend(model, start, labels, 0, Work()), count, draws)

    print(f"\n{name}, {draws} draws: loop {loop:.3f}, without weight gradients {quicker:.3f}, batch {batch:.3f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"per gradient {loop / batch:.1f} times as fast; {quicker / batch:.1f} without the weight gradients")
    print(f"peak memory so far {peak:.0f} MiB")
