"""A universal adversarial perturbation: one pattern that changes the label of nearly any image it is added to.

Source: the step that Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial
Perturbations", CVPR 2022, https://arxiv.org/abs/2202.08602, takes first. Their code points to the implementation of
S.-M. Moosavi-Dezfooli et al., "Universal adversarial perturbations", CVPR 2017, in the Adversarial Robustness Toolbox
and asks that more than 70 % of the images be fooled.

Patterns of this kind follow directions that boundaries share all over the image space. Models that were extracted from
a victim inherit its directions, models that were trained on their own have others.

Departures: that implementation goes from image to image and adds, for each that is not fooled yet, the smallest change
that DeepFool finds; where few images can be fooled, those that cannot move the pattern most, and it fools fewer. Here a
batch of images moves it along the sign of a gradient (with momentum) that lowers a smoothed share of labels that stay:
images far on either side of their boundary do not pull. The radius of 10 grey levels is that implementation's; small
grey images need more. The pattern is rounded to whole grey levels, so a perturbed picture travels as a PNG like any
other, clipped to what a pixel can be; the paper adds it in floats. The share of images it fools is counted on test
images, which it was not made from, and has an exact interval.
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int16
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.margins import margin
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fast.folding import make_quick_copy
from modelprint.intervals import exact_interval
from modelprint.oracles.local import check_model
from modelprint.ownership.probabilities import ask_probabilities
from modelprint.pixels import Pixels
from modelprint.streams import stream
from modelprint.tensors import GREY_LEVELS, Labels, to_images
from modelprint.work import Work

Pattern = Float[Tensor, "c h w"]
"""What is added to every image; within the radius, for images in [0, 1]."""

SAVED_EVERY = 50
"""Steps between two saved states."""
STATE = "uap"


@dataclass(frozen=True, kw_only=True, eq=False)
class Perturbation:
    """A pattern as it travels, and how many images it fools.

    Attributes:
        levels: What is added to each pixel, in whole grey levels.
        fooled: Test images whose label it changes.
        tested: Test images.
        wanted: The share of them that was asked for, 0..1.
    """

    levels: Int16[np.ndarray, "c h w"]
    fooled: int
    tested: int
    wanted: float

    def __post_init__(self) -> None:
        if not 0 <= self.fooled <= self.tested or self.tested < 1:
            raise ValueError(f"{self.fooled} fooled images of {self.tested} is no count")
        if not 0 <= self.wanted <= 1:
            raise ValueError(f"wanted is a share of images, 0 to 1, got {self.wanted}")

    @property
    def rate(self) -> float:
        """Share of the test images that are fooled, 0..1."""
        return self.fooled / self.tested

    @property
    def interval(self) -> tuple[float, float]:
        """Exact interval of that share, for other images of this kind."""
        return exact_interval(self.fooled, self.tested)

    @property
    def reached(self) -> bool:
        """Whether the share is what was asked for."""
        return self.rate >= self.wanted

    @property
    def sure(self) -> bool:
        """Whether the whole interval is: other images would be fooled as often too."""
        return self.interval[0] >= self.wanted

    def on(self, pixels: Pixels) -> Pixels:
        """Return `pixels` with the pattern added, clipped to the grey levels there are."""
        if pixels.shape[1:] != self.levels.shape:
            raise ValueError(f"the pattern is for images of shape {self.levels.shape}, got {tuple(pixels.shape[1:])}")
        moved: Pixels = np.clip(pixels.astype(np.int16) + self.levels, 0, GREY_LEVELS).astype(np.uint8)
        return moved

    def summary(self) -> str:
        """Return how many images are fooled, with the interval, as one line."""
        low, high = (100 * bound for bound in self.interval)
        word = "as asked" if self.sure else "perhaps fewer than asked" if self.reached else "fewer than asked"
        return (
            f"{100 * self.rate:.1f} % of the test images are fooled ({low:.1f} to {high:.1f}; {self.fooled} of "
            f"{self.tested}), {word} ({100 * self.wanted:g} %), by up to {abs(self.levels).max()} grey levels"
        )


@dataclass(frozen=True, kw_only=True)
class Universal:
    """Optimise one pattern for all images until the classifier changes its own labels.

    Attributes:
        radius: Most grey levels that a pixel moves.
        rate: Share of the test images that has to be fooled, 0..1; 0: any.
        temperature: Logits around the boundary inside which an image pulls; those far away on either side do not.
        steps: Steps.
        batch: Images that a step looks at.
        images: Training images that batches are drawn from, at most.
        momentum: Part of the last direction that is kept.
        step: Length of the first step, as a part of the radius; the last has a hundredth of it.
    """

    radius: int = 10
    rate: float = 0.7
    temperature: float = 2.0
    steps: int = 400
    batch: int = 250
    images: int = 10_000
    momentum: float = 0.9
    step: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.radius <= GREY_LEVELS:
            raise ValueError(f"radius is 1 to {GREY_LEVELS} grey levels, got {self.radius}")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate is the share of images to be fooled, 0 to 1, got {self.rate}")
        if not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature is a number of logits, positive and finite, got {self.temperature}")
        for name in ("steps", "batch", "images"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum is a part of the last direction, 0 to below 1, got {self.momentum}")
        if not 0 < self.step <= 1:
            raise ValueError(f"step is a part of the radius, above 0 and at most 1, got {self.step}")

    def step_length(self, index: int) -> float:
        """Return the length of step number `index`, from 0, for images in [0, 1]."""
        left = 1 - 0.99 * index / max(self.steps - 1, 1)
        return left * self.step * self.radius / GREY_LEVELS

    def craft(self, model: Classifier, data: DataSet, seed: int, work: Work | None = None) -> Perturbation:
        """Return a pattern that fools `model` on test images at the asked rate.

        Args:
            model: The victim; left as it is.
            data: The pattern is made from training images and judged on all test images; labels are not looked at.
            seed: Equal seeds give equal patterns, bit for bit, on one machine.
            work: Progress and resumption; state of other settings, weights, images or seeds is not taken up.

        Raises:
            ValueError: The model takes other images, or knows other classes.
            CraftingError: Fewer test images are fooled than was asked for.
        """
        check_model(model, data.image_shape, len(data.class_names))
        order = torch.randperm(len(data.train), generator=stream(seed, STATE, "images"))[: self.images]
        pixels = data.train.pixels[order.numpy()]
        pattern = self.climb(model, pixels, seed, self._identify(work or Work(), model, data, seed))
        levels = (pattern.double() * GREY_LEVELS).round().numpy().astype(np.int16)
        made = judge_pattern(model, levels, data.test.pixels, self.rate)
        if not made.reached:
            raise CraftingError(
                f"only {made.fooled} of {made.tested} test images are fooled ({100 * made.rate:.1f} %), and "
                f"{100 * self.rate:g} % were asked for; give a larger radius than {self.radius} grey levels, more "
                f"steps, or ask for less"
            )
        return made

    def climb(self, model: Classifier, pixels: Pixels, seed: int, work: Work) -> Pattern:
        """Take all steps; the result is within the radius, and not yet rounded."""
        quick, bound = make_quick_copy(model), self.radius / GREY_LEVELS
        labels = ask_probabilities(model, pixels, model.class_count).argmax(1)
        state = work.resume(STATE)
        pattern = state.get("pattern", torch.zeros(model.image_shape))
        direction = state.get("direction", torch.zeros(model.image_shape))
        done = int(state.get("done", 0))
        work.progress("perturbing", done, self.steps)
        for index in range(done, self.steps):
            chosen = torch.randperm(len(pixels), generator=stream(seed, STATE, "batch", index))[: self.batch]
            pull = self.pull(quick, pattern, pixels[chosen.numpy()], labels[chosen])
            direction = self.momentum * direction + pull / pull.abs().mean().clamp_min(1e-30)
            pattern = (pattern + self.step_length(index) * direction.sign()).clamp(-bound, bound)
            if (index + 1) % SAVED_EVERY == 0 or index + 1 == self.steps:
                kept = {"pattern": pattern, "direction": direction, "done": torch.tensor(index + 1)}
                work.save(STATE, kept)
            work.progress("perturbing", index + 1, self.steps)
        return pattern

    def pull(self, model: Classifier, pattern: Pattern, pixels: Pixels, labels: Labels) -> Pattern:
        """Return the direction in which most images of one batch lose their labels."""
        # The gradient is taken behind the clipping: a pixel at its bound would have none before it.
        images = (to_images(pixels) + pattern).clamp(0, 1).to(model.dtype).requires_grad_()
        left = (margin(model.network(images), labels) / self.temperature).sigmoid().sum()
        (gradient,) = torch.autograd.grad(left, images)
        return -gradient.sum(0).to(pattern.dtype)

    def _identify(self, work: Work, model: Classifier, data: DataSet, seed: int) -> Work:
        # The rate is asked at the end, so a run that fell short may be judged again for less.
        return work.bind_to(sorted(asdict(replace(self, rate=0.0)).items()), model.digest(), data.train.digest, seed)


def judge_pattern(
    model: Classifier, levels: Int16[np.ndarray, "c h w"], pixels: Pixels, wanted: float = 0.0
) -> Perturbation:
    """Return the pattern with the count of those `pixels` whose label it changes in `model`."""
    pattern = Perturbation(levels=levels, fooled=0, tested=len(pixels), wanted=wanted)
    before, after = (
        ask_probabilities(model, asked, model.class_count).argmax(1) for asked in (pixels, pattern.on(pixels))
    )
    return replace(pattern, fooled=int((before != after).sum()))
