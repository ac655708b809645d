"""IBSF: samples at the point where the boundaries of several classes meet.

Source: Bai, He, Ma, Zhu and Jin, "Intersecting-Boundary-Sensitive Fingerprinting for Tampering Detection of DNN
Models", ICML 2024, https://openreview.net/forum?id=kZArjKc64o, and its public code, https://github.com/CGCL-codes/IBSF.

The sum of -p log p over the k most probable classes, ranked again at each iteration, is maximised within an L2 ball
around a natural image. Where it is largest, k classes tie, and any change of the weights reorders them with probability
1 - 1/k. `published` does this as the public code: Adam at a rate of 1, and a gradient that is never reset, so it
accumulates over all iterations. A well-trained network is so sure of a natural image that the sum and its gradient
nearly vanish there, and many images never leave. `repaired`, the default, ascends the logarithm of the sum, whose
gradient does not vanish, resets the gradient, and lets a rate of 0.01 decay by a cosine.

Departures: all images go at once, which changes nothing, since neither the ball nor Adam joins one image to another. On
a CPU the arrays with the source and with the best iterate of the public code share the memory of the image that moves;
here they are copies. The code scores an iterate before the step and keeps the one after it; here the iterate that was
scored is kept, the source and the last one included. Iterates are scored as the eight-bit images that are sealed unless
`eight_bit` is false. Revisions of the code differ: in some, plain gradient steps of length 1 with a gradient that is
reset take the place of Adam; `optimiser=sgd` with `accumulate=false` is these. Logarithms are taken of the logits'
softmax at once: no saturated image gives a logarithm of zero.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.projection import clip
from modelprint.data import DataSet
from modelprint.fast.folding import make_quick_copy
from modelprint.methods.method import Card, Crafted, constant_radii
from modelprint.pixels import Pixels
from modelprint.tensors import Images, Logits, to_images, to_pixels
from modelprint.work import Work

SATURATED = -15.0
"""Log odds below which log(log(1 + exp(x))) is x to float32."""

Objective = Callable[[Logits, int], Float[Tensor, " n"]]


def partial_entropy(logits: Logits, k: int) -> Float[Tensor, " n"]:
    """Return the sum of -p log p over the `k` most probable classes, in nats; p is the softmax over all classes."""
    log_p = F.log_softmax(logits, 1).topk(k, dim=1).values
    return -(log_p.exp() * log_p).sum(1)


def log_partial_entropy(logits: Logits, k: int) -> Float[Tensor, " n"]:
    """Return the logarithm of `partial_entropy`, finite and with a gradient however sure the network is.

    In float32 log p of a class at 1 - 1e-9 is zero, and its logarithm is lost. The log odds x of all other classes
    together against it are exact; with them -log p is log(1 + exp(x)), whose logarithm is x itself when x is small.
    """
    ordered = logits.sort(dim=1, descending=True).values
    log_p = F.log_softmax(ordered, 1)
    odds = ordered[:, 1:].logsumexp(1) - ordered[:, 0]
    first = torch.where(odds < SATURATED, odds, F.softplus(odds.clamp_min(SATURATED)).log())
    surprise = torch.cat([first[:, None], (-log_p[:, 1:k]).log()], dim=1)
    return (log_p[:, :k] + surprise).logsumexp(1)


@dataclass(frozen=True, kw_only=True)
class EntropyAscent:
    """How the entropy is climbed.

    Attributes:
        objective: What is maximised, of logits and k.
        steps: Gradient steps.
        step: Learning rate of the first one.
        decay: The rate falls to zero by a cosine; otherwise it stays.
        optimiser: "adam" or "sgd".
        accumulate: The gradient is the sum over all iterations so far.
    """

    objective: Objective
    steps: int
    step: float
    decay: bool
    optimiser: Literal["adam", "sgd"]
    accumulate: bool

    def rate(self, index: int) -> float:
        """Return the learning rate of step `index`, from 0."""
        return self.step * (1 + math.cos(math.pi * index / self.steps)) / 2 if self.decay else self.step


FORMS = {
    "repaired": EntropyAscent(
        objective=log_partial_entropy, steps=200, step=0.01, decay=True, optimiser="adam", accumulate=False
    ),
    "published": EntropyAscent(
        objective=partial_entropy, steps=5000, step=1.0, decay=False, optimiser="adam", accumulate=True
    ),
}


@dataclass(frozen=True, kw_only=True)
class IBSF:
    """Raise the entropy of the most probable classes within an L2 ball around each source.

    Attributes:
        form: "repaired" or "published"; the settings that are none take the value of the form.
        k: Classes to tie, at least 2; none: all classes, the default of the public code.
        radius: L2 bound for images in [0, 1]; the paper's 1.0.
        steps: Gradient steps; 200 repaired, 5000 published.
        step: Learning rate; 0.01 and decaying by a cosine repaired, constantly 1.0 published.
        optimiser: "adam" in both forms; "sgd" as in other revisions of the public code.
        accumulate: Never reset the gradient; false repaired, true published.
        chunk: Images that are optimised at a time; bounds the memory.
        eight_bit: Score iterates as eight-bit images, at the cost of one more evaluation each; false
            compares with the paper, which rounds nothing.
    """

    name: ClassVar[str] = "ibsf"
    card: ClassVar[Card] = Card(
        title="IBSF",
        source="Bai et al., ICML 2024",
        needs=("gradients",),
        cost="200 gradients; 5000 as published",
    )
    form: Literal["repaired", "published"] = "repaired"
    k: int | None = None
    radius: float = 1.0
    steps: int | None = None
    step: float | None = None
    optimiser: Literal["adam", "sgd"] | None = None
    accumulate: bool | None = None
    chunk: int = 100
    eight_bit: bool = True

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form is one of {', '.join(FORMS)}, got {self.form!r}")
        if self.k is not None and self.k < 2:
            raise ValueError(f"k must be at least 2, a tie takes two classes, got {self.k}")
        for name in ("radius", "steps", "step", "chunk"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be positive and finite, got {value}")

    @property
    def ascent(self) -> EntropyAscent:
        """The form, with the settings that were given in place of its own."""
        given: dict[str, Any] = {name: getattr(self, name) for name in ("steps", "step", "optimiser", "accumulate")}
        return replace(FORMS[self.form], **{name: value for name, value in given.items() if value is not None})

    def radii(self, sources: Images) -> Float[Tensor, " n"]:
        """Return the L2 bound around each source."""
        return constant_radii(self.radius, sources)

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Move each source towards the tie and return its best iterate."""
        k = model.class_count if self.k is None else self.k
        if k > model.class_count:
            raise ValueError(f"{model.name} knows {model.class_count} classes, so k cannot be {k}")
        network, start = make_quick_copy(model).network, to_images(sources, model.dtype)
        total = self.ascent.steps * math.ceil(len(start) / self.chunk)
        kept = work.resume("ibsf")
        best, values = kept.get("best", start[:0]), kept.get("values", start.new_zeros(0))
        done = self.ascent.steps * math.ceil(len(best) / self.chunk)
        work.progress("crafting", done, total)
        for chunk in start[len(best) :].split(self.chunk):
            highest = _BestIterates(network, self.ascent.objective, k, self.eight_bit)
            for index, (images, value) in enumerate(iterate(network, chunk, self.ascent, k, self.radius)):
                highest.update(images, value)
                work.progress("crafting", done + index, total)
            done += self.ascent.steps
            best, values = torch.cat([best, highest.images]), torch.cat([values, highest.values])
            work.save("ibsf", {"best": best, "values": values})
        entropies = values.exp() if self.ascent.objective is log_partial_entropy else values
        notes = {"k": str(k), "mean_entropy": f"{entropies.mean().item():.4f}"} if len(values) else {}
        return Crafted(images=best, usable=torch.ones(len(best), dtype=torch.bool), notes=notes)


def iterate(
    network: nn.Module, sources: Images, ascent: EntropyAscent, k: int, radius: float
) -> Iterator[tuple[Images, Float[Tensor, " n"]]]:
    """Yield the images and their objective before each step and after the last one; the sources come first."""
    x = sources.clone().requires_grad_()
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    optimiser = kinds[ascent.optimiser]([x], maximize=True, lr=ascent.step)
    for index in range(ascent.steps):
        value = ascent.objective(network(x), k)
        yield x.detach().clone(), value.detach()
        if not ascent.accumulate:
            optimiser.zero_grad()
        value.sum().backward()
        optimiser.param_groups[0]["lr"] = ascent.rate(index)
        optimiser.step()
        with torch.no_grad():
            x.copy_(clip(x, sources, radius))
    with torch.no_grad():
        yield x.detach().clone(), ascent.objective(network(x), k)


class _BestIterates:
    """The best iterate so far of each image, and its objective."""

    def __init__(self, network: nn.Module, objective: Objective, k: int, eight_bit: bool) -> None:
        self.network = network
        self.objective = objective
        self.k = k
        self.eight_bit = eight_bit
        self.images = torch.empty(0)
        self.values = torch.empty(0)

    def update(self, images: Images, values: Float[Tensor, " n"]) -> None:
        """Replace what is worse by `images`; `values` are the objectives of these before rounding."""
        if self.eight_bit:
            images = to_images(to_pixels(images), images.dtype)
            with torch.no_grad():
                values = self.objective(self.network(images), self.k)
        if not len(self.images):
            self.images, self.values = images, values
        better = values > self.values
        self.images = torch.where(better[:, None, None, None], images, self.images)
        self.values = torch.where(better, values, self.values)
