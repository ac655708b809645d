"""SSF in closed form against differentiating twice: image by image as the published code does, and in a batch.

    make bench            # or: pytest benchmarks -s

All run plain Adam on the same objective and the last layer of networks with random weights (arithmetic takes the same
time whatever it computes). The loop builds the gradient by the weights of one image with a graph, squares it and goes
backward through it: once for `released`, once per class for Eq. 7. The batch does so for all images and classes at once
by `torch.func`. The closed form is `SSF` as a user runs it, judging included; what is left of it is one pass forward
and one back through the network. Ratios are printed, nothing is asserted about time.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.sensitivity import RELEASED_CLASSES, RELEASED_OFFSET, Objective
from modelprint.data import DataSet, LabelledImages
from modelprint.methods.ssf import SSF
from modelprint.networks import NETWORKS
from modelprint.work import Work

BATCH = 50
STEPS = 10


def random_weights(name: str) -> Classifier:
    """Return a network with random weights."""
    architecture = NETWORKS[name]
    shape, class_count = architecture.image_shape, architecture.class_count
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = architecture.make(class_count=class_count, channels=shape[0])
    return Classifier(network, image_shape=shape, class_count=class_count, name=name)


def noise(shape: tuple[int, int, int]) -> DataSet:
    """Return images of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, *shape), dtype=np.uint8)
    part = LabelledImages(pixels=pixels, labels=np.arange(BATCH) % 10, class_names=tuple("0123456789"), name="noise")
    return DataSet(name="noise", train=part, test=part)


def straightforward(network: nn.Module, weight: Tensor, source: Tensor, settings: SSF) -> Tensor:
    """The published code's loop: one image, its gradient by the weights with a graph, and back through that."""
    x = source.clone().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=settings.learning_rate)
    for _ in range(settings.steps):
        optimiser.zero_grad()
        p = network(x).softmax(1)[0]
        outputs = [(p[:RELEASED_CLASSES] + RELEASED_OFFSET).log().sum()] if settings.objective == "released" else p
        by_weight = [torch.autograd.grad(output, weight, create_graph=True)[0] for output in outputs]
        (-torch.stack([gradient.square().sum() for gradient in by_weight]).sum()).backward()
        optimiser.step()
        with torch.no_grad():
            shift = x - source
            x.copy_((source + shift * (settings.radius / shift.norm().clamp_min(1e-12)).clamp_max(1)).clamp(0, 1))
    return x.detach()


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes: the shorter of two times, others may be using the machine."""
    times = []
    for _ in range(2):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def memory() -> float:
    """Return the most memory held so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@pytest.mark.parametrize("name", ["mlp-faces", "resnet20", "cnn6"])
@pytest.mark.parametrize("objective", ["paper", "released"])
def test_closed_form_against_differentiating_twice(objective: Objective, name: str) -> None:
    """Prints milliseconds per image and step for the three, the ratios, and the peak memory after each."""
    model = random_weights(name)
    data = noise(model.image_shape)
    weight = model.head.weight
    weight_name = next(known for known, parameter in model.network.named_parameters() if parameter is weight)
    one = torch.from_numpy(data.train.pixels[:1]).float() / 255

    def batched(layer: str) -> tuple[float, float]:
        settings = SSF(objective=objective, layers=(layer,), steps=STEPS)
        taken = seconds(lambda: settings.craft(model, data, data.train.pixels, 0, Work()))
        return taken / (BATCH * (STEPS + 1)), memory()  # the last iterate is looked at too

    plain = SSF(objective=objective, steps=STEPS, schedule="constant", keep="last", eight_bit=False)
    closed, closed_memory = batched("last")
    looped = seconds(lambda: straightforward(model.network, weight, one, plain)) / STEPS
    looped_memory = memory()
    twice, twice_memory = batched(weight_name)

    print(f"\n{objective}, {name}, {model.class_count} classes, {torch.get_num_threads()} threads; per image and step")
    print(f"closed form        {closed * 1e3:7.2f} ms  {closed_memory:.2f} GiB so far")
    print(f"twice, one by one  {looped * 1e3:7.2f} ms  {looped_memory:.2f} GiB so far, ratio {looped / closed:.1f}")
    print(f"twice, in a batch  {twice * 1e3:7.2f} ms  {twice_memory:.2f} GiB so far, ratio {twice / closed:.1f}")
    expected = plain.craft(model, data, data.train.pixels[:1], 0, Work()).images
    torch.testing.assert_close(straightforward(model.network, weight, one, plain), expected, rtol=0, atol=0.05)
