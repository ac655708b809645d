"""MiSentry in a batch against a straightforward loop of the published algorithm, one image and one pair at a time.

    make bench            # or: pytest benchmarks -s

Both run the same objective and the same number of updates with the same zoo of 15 copies of a ResNet-20 (random
weights: arithmetic takes the same time whatever it computes). The loop uses the whole zoo in each outer iteration, as
published; the batch is timed with the whole zoo as well, and with the half of it that is our default. Ratios are
printed, nothing is asserted about time.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.methods.misentry import MiSentry
from modelprint.networks import NETWORKS
from modelprint.tamperings.zoo import Zoo
from modelprint.work import Work

BATCH = 50
STEPS = 20


def resnet20(seed: int) -> Classifier:
    """Return a ResNet-20 with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS["resnet20"].make(class_count=10, channels=3)
    return Classifier(network, image_shape=(3, 32, 32), class_count=10, name="resnet20")


def fifteen_copies(target: Classifier) -> Zoo:
    """Return a zoo of the default shape: 2 copies differ in the last layer alone, 13 everywhere."""
    heads, bodies = [], []
    for seed in range(15):
        copy = target.copy() if seed < 2 else resnet20(seed)
        copy.head.weight.data += 1e-3 * seed
        (heads if seed < 2 else bodies).append(copy)
    return Zoo({"heads": tuple(heads), "bodies": tuple(bodies)})


def random_data(count: int) -> DataSet:
    """Return images of noise."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8), np.arange(count, dtype=np.int64) % 10
    part = LabelledImages(pixels=pixels, labels=labels, class_names=tuple("0123456789"), name="noise")
    return DataSet(name="noise", train=part, test=part)


def straightforward(target: nn.Module, zoo: list[nn.Module], source: Tensor, method: MiSentry) -> Tensor:
    """Algorithm 1 as printed: one image, one pair of models at a time."""

    def update(x: Tensor, start: Tensor, members: list[nn.Module]) -> Tensor:
        start = start.detach().requires_grad_()
        loss = torch.zeros(())
        for copy in members:
            p, q = target(start).log_softmax(1), copy(start).log_softmax(1)
            divergence = (p.exp() * (p - q)).sum()
            loss = loss + (-divergence - (p.exp() * p).sum() - (q.exp() * q).sum()) / len(members)
        loss.backward()
        assert start.grad is not None
        shift = x - method.step * F.normalize(start.grad.flatten(1)).view_as(x) - source
        return (source + shift * (method.radius / shift.norm().clamp_min(1e-12)).clamp_max(1)).clamp(0, 1).detach()

    x = source
    for k in range(method.steps):
        order = torch.randperm(len(zoo), generator=torch.Generator().manual_seed(k)).tolist()
        moved = update(x, x, [zoo[i] for i in order[:10]])
        x = update(x, moved, [zoo[i] for i in order[10:]])
    return x


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_batched_against_one_by_one() -> None:
    """Prints seconds per image and update for both, their ratio, and the peak memory."""
    target, data = resnet20(0), random_data(BATCH)
    zoo = fifteen_copies(target)
    method = MiSentry(objective="published", steps=STEPS, inner=1, draw=1.0)
    one = torch.from_numpy(data.train.pixels[:1]).float() / 255

    def batched(settings: MiSentry) -> float:
        return seconds(lambda: settings.craft_from(zoo, target, data, data.train.pixels, 0, Work())) / (BATCH * STEPS)

    networks = [copy.network for copy in zoo.copies]
    looped = seconds(lambda: straightforward(target.network, networks, one, method)) / STEPS
    whole, half = batched(method), batched(replace(method, draw=0.5))

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\none by one {looped * 1e3:.1f}, batched {whole * 1e3:.1f}, half of the zoo {half * 1e3:.1f} ms")
    print(f"per image and outer iteration; ratios {looped / whole:.1f} and {looped / half:.1f}")
    print(f"peak memory {memory:.2f} GiB, {torch.get_num_threads()} threads")
    assert (straightforward(target.network, networks, one, method) - one).norm() <= method.radius + 1e-4
