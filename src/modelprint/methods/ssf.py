"""SSF: sensitive samples, on which the answer changes most when the weights change a little.

Source: Z. He, T. Zhang and R. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, Algorithm 1
and Eq. 7; what its published code does instead is the objective `released` (see `modelprint.crafting.sensitivity`).

Eq. 7 is a thin ridge along the decision boundary and vanishes away from it, where natural images are: gradient steps on
it do not move or jump across. Its logarithm, `paper-log`, has a slope everywhere. `released` leads away from the
boundary, to confident answers, and its samples see hardly any change of the weights.

The paper's own settings are objective=paper, learning_rate=0.001, steps=1000, schedule=constant, projection=stop,
keep=last, eight_bit=false; the code's are objective=released, learning_rate=0.00392 (1 grey level; its example has a
hundredth of it), steps=1000, schedule=constant, accumulate=true, radius=2.17 (for 3x32x32), keep=last, eight_bit=false.

Departures: the learning rate falls by a cosine, as steps of constant length do not settle on a ridge. Objective and
gradient are taken at the iterate rounded to eight bits, since these are sealed. Of all iterates the one is kept
that the smallest change of the weights moves across the boundary, to first order: near their top the objectives are
too flat to tell a gap of 0.1 logits from one of 0.001. The code's acceptance thresholds and its total variation term,
which is off by default, are left out.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.projection import clip
from modelprint.crafting.sensitivity import (
    LastLayer,
    Layers,
    Objective,
    Sensitivity,
    SensitivityReading,
    measure_sensitivity,
)
from modelprint.data import DataSet
from modelprint.methods.method import Card, Crafted
from modelprint.pixels import Pixels
from modelprint.tensors import Images, to_images, to_pixels
from modelprint.work import Work


@dataclass(frozen=True, kw_only=True)
class SSF:
    """Climb from each source, inside an L2 ball, to where the answer is most sensitive to the weights.

    Attributes:
        objective: "paper-log" (logarithm of Eq. 7), "paper" (Eq. 7) or "released" (the published code).
        layers: Whose weights: "last" (the weight matrix of the last linear layer, in closed form), "all", or names of
            parameters with * for anything, e.g. layer3.*,linear.*; all but "last" take many times as long.
        biases: With "last", count the biases of that layer too.
        learning_rate: Of Adam, for images in [0, 1].
        steps: How many.
        schedule: Of the learning rate: "cosine" (down to a hundredth) or "constant".
        accumulate: Add each gradient to all before it, as the published code does, which never resets it.
        radius: L2 bound for images in [0, 1].
        snr: Signal-to-noise ratio in dB, 10 log10(|x0|^2 / |x - x0|^2), that each sample keeps at least; bounds each
            image by its own brightness and takes the place of the radius.
        projection: At the bound: "project" onto it after every step, or "stop" there. The image that stops lies just
            outside; it is the sample with keep=last, as in the paper, and not otherwise.
        keep: Which iterate: "yardstick" (smallest gap of the two largest logits relative to the norm of its gradient by
            the weights), "objective" (most sensitive) or "last".
        margin: Logits between the first and second class that a kept iterate has at least, so that honest serving does
            not change its label; the last is kept with any margin.
        eight_bit: Take gradients and judge at eight-bit images; false compares with papers, which round nothing.
        chunk: Images that are optimised at a time; bounds the memory.
    """

    name: ClassVar[str] = "ssf"
    card: ClassVar[Card] = Card(
        title="Sensitive samples (SSF)",
        source="He, Zhang and Lee, CVPR 2019",
        needs=("gradients",),
        cost="200 gradients",
    )
    objective: Objective = "paper-log"
    layers: tuple[str, ...] = ("last",)
    biases: bool = False
    learning_rate: float = 0.003
    steps: int = 200
    schedule: Literal["cosine", "constant"] = "cosine"
    accumulate: bool = False
    radius: float = 3.5
    snr: float | None = None
    projection: Literal["project", "stop"] = "project"
    keep: Literal["yardstick", "objective", "last"] = "yardstick"
    margin: float = 0.001
    eight_bit: bool = True
    chunk: int = 50

    def __post_init__(self) -> None:
        for name in ("learning_rate", "steps", "radius", "chunk"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not self.margin >= 0 or (self.snr is not None and not math.isfinite(self.snr)):
            raise ValueError(f"margin must not be negative and snr be a number, got {self.margin} and {self.snr}")
        if not self.layers or ("last" in self.layers and len(self.layers) > 1):
            raise ValueError(f"layers is last, all, or names of parameters, got {','.join(self.layers) or 'nothing'}")
        if self.biases and self.layers != ("last",):
            raise ValueError("biases belongs to layers=last; elsewhere name the biases among the layers, e.g. fc.bias")

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Craft one sample from each source; `data` and `seed` are not used."""
        sensitivity = self.sensitivity(model)
        chunks = to_images(sources).split(self.chunk)
        total = self.steps * len(chunks)
        work.progress("crafting", 0, total)
        samples = []
        for index, chunk in enumerate(chunks):
            climb = _Climb(self, chunk)
            for step in range(self.steps):
                climb.advance(sensitivity, step)
                work.progress("crafting", index * self.steps + step + 1, total)
            climb.judge(sensitivity)
            samples.append(climb.best)
        return Crafted.all_of(torch.cat(samples))

    def sensitivity(self, model: Classifier) -> Sensitivity:
        """Return the sensitivity to the layers of `model`; LoadingError or ValueError when it has no such layers."""
        if self.layers == ("last",):
            return LastLayer(model, self.objective, biases=self.biases)
        return Layers(model, self.objective, self.layers)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2)

    def radii(self, sources: Images) -> Float[Tensor, " n"]:
        """Return the L2 bound of each source."""
        if self.snr is None:
            return torch.full((len(sources),), self.radius)
        brightness: Float[Tensor, " n"] = sources.flatten(1).norm(dim=1)
        return brightness * math.pow(10, -self.snr / 20)


class _Climb:
    """The optimisation of some sources.

    Attributes:
        best: The iterate of each that is kept.
    """

    def __init__(self, settings: SSF, sources: Images) -> None:
        self.settings, self.sources, self.best = settings, sources, sources.clone()
        self._radii = settings.radii(sources)
        self._score = torch.full((len(sources),), -torch.inf)
        self._images = sources.clone().requires_grad_()
        self._adam = torch.optim.Adam([self._images], maximize=True)
        self._inside = torch.ones(len(sources), dtype=torch.bool)

    def judge(self, sensitivity: Sensitivity) -> Images:
        """Evaluate the iterates, keep those better than all before, and return the gradients there."""
        images = to_images(to_pixels(self._images)) if self.settings.eight_bit else self._images.detach().clone()
        reading, gradient = measure_sensitivity(sensitivity, images)
        score = self._scores(reading)
        better = score >= self._score if self.settings.keep == "last" else score > self._score
        self._score = torch.where(better, score, self._score)
        self.best = torch.where(better[:, None, None, None], images, self.best)
        return gradient

    def _scores(self, reading: SensitivityReading) -> Float[Tensor, " n"]:
        if self.settings.keep == "last":
            return torch.zeros_like(self._score)
        score = reading.value if self.settings.keep == "objective" else -reading.yardstick
        allowed: Bool[Tensor, " n"] = self._inside & (reading.gap >= self.settings.margin)
        return torch.where(allowed, score.to(self._score.dtype), -torch.inf)

    def advance(self, sensitivity: Sensitivity, step: int) -> None:
        """Judge the iterates, and take a step with those that have not stopped."""
        if not self._inside.any():
            return
        gradient = self.judge(sensitivity)
        kept = self._images.grad
        self._images.grad = gradient if kept is None or not self.settings.accumulate else kept + gradient
        self._adam.param_groups[0]["lr"] = self.settings.rate(step)
        before = self._images.detach().clone()
        self._adam.step()
        with torch.no_grad():
            if self.settings.projection == "project":
                self._images.copy_(clip(self._images, self.sources, self._radii))
            else:
                moved = torch.where(self._inside[:, None, None, None], self._images.clamp(0, 1), before)
                self._inside &= (moved - self.sources).flatten(1).norm(dim=1) <= self._radii
                self._images.copy_(moved)
