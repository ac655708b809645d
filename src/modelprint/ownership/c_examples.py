"""C-examples: images from noise that a classifier and its pruned copies give one label, and other classifiers do not.

Source: S. Wang, X. Wang, P.-Y. Chen, P. Zhao and X. Lin, "High-Robustness, Low-Transferability Fingerprinting of Neural
Networks", https://arxiv.org/abs/2105.07078: equations (1) to (4), section 2.2 for the gradient mean, appendix A.2 for
the filter and A.3 for the settings. No code was found.

From an image of noise, steps along the sign of the gradient lower the loss of a label drawn at random. The four
published forms are settings of one: *vanilla* adds nothing; *RC* takes each gradient at weights that noise has moved,
as pruning would; *RC+GM* takes the mean over ten such weights; *LTRC* takes, after each step, the low frequencies away,
which other models understand too.

Departures and gaps filled: the paper gives neither a step size nor the distribution of the start, and does not say how
often noise is drawn or whether LTRC takes means. Here steps fall linearly from 0.01 to 0.001; starts are uniform; noise
is drawn again at each step, on weights and biases of convolutions and linear layers, and one draw serves all examples,
which are worked on together; LTRC takes one draw by default. As its formula says, the filter leaves the mean
of a channel, without which no image in [0, 1] remains. It comes after the clipping, so the last image may leave [0, 1]:
here it is clipped, rounded to eight bits and labelled in float64, and dropped when its label is another. All steps are
taken; a loss below 1e-6 is counted, not waited for.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.calibration import Forms, reference_labels
from modelprint.classifier import Classifier
from modelprint.crafting.frequency import high_pass
from modelprint.errors import CraftingError
from modelprint.ownership.noisy_weights import NoisyWeights, mean_gradient, target_loss
from modelprint.pixels import Pixels
from modelprint.streams import stream
from modelprint.tensors import Images, Labels, to_images, to_pixels
from modelprint.work import Work

GOAL = 1e-6
"""Loss below which an example counts as converged (the paper's eta)."""
SAVED_EVERY = 20
"""Steps between two saved states."""
STATE = "c-examples"


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnedExamples:
    """Examples as they travel, with the label that a copy of the model is expected to give, and what was lost.

    Attributes:
        pixels: Eight-bit images.
        labels: The label that each was made for, which the model gives it.
        losses: Loss of that label on the eight-bit image, in nats.
        class_count: Number of classes of the model.
        asked: How many examples were begun.
        missed: How many never got their label.
        lost: How many had it, and lost it by clipping and rounding.
    """

    pixels: Pixels
    labels: Labels
    losses: Float[Tensor, " n"]
    class_count: int
    asked: int
    missed: int
    lost: int

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self.labels)

    @property
    def converged(self) -> int:
        """How many of them have a loss below GOAL."""
        return int((self.losses < GOAL).sum())

    def summary(self) -> str:
        """Return the counts as one line."""
        return (
            f"{len(self)} of {self.asked} examples; {self.missed} never got their label, {self.lost} lost it in eight "
            f"bits; {self.converged} have a loss below {GOAL:g}"
        )


@dataclass(frozen=True, kw_only=True)
class CExamples:
    """Lower the loss of drawn labels from images of noise, under weight noise and without low frequencies.

    Attributes:
        noise: Largest change of a weight, the paper's delta; 0: none.
        relative: Count `noise` in units of the root mean square of each layer's weights, which differs between layers;
            the paper's is the same for all.
        draws: Weights that the mean of the gradient is taken over, the paper's q.
        band: Frequencies i + j up to this one are taken away, the paper's k; 0: none.
        steps: Steps, 500 in the paper.
        step: Length of the first step, for images in [0, 1].
        last_step: Length of the last one.
        chunk: Images that are worked on at a time; bounds the memory and changes nothing else.
    """

    noise: float = 0.0
    relative: bool = False
    draws: int = 1
    band: int = 0
    steps: int = 500
    step: float = 0.01
    last_step: float = 0.001
    chunk: int = 100

    def __post_init__(self) -> None:
        if not (self.noise >= 0 and math.isfinite(self.noise)):
            raise ValueError(f"noise is the largest change of a weight, 0 or more and finite, got {self.noise}")
        for name in ("draws", "steps", "chunk"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.band < 0:
            raise ValueError(f"band is the highest frequency to be taken away, 0 or more, got {self.band}")
        if not 0 < self.last_step <= self.step <= 1:
            raise ValueError(
                "steps shrink, within images in [0, 1]: 0 < last_step <= step <= 1, "
                f"got step {self.step} and last_step {self.last_step}"
            )
        if self.draws > 1 and self.noise == 0:
            raise ValueError(f"without noise all gradients are the same; set noise above 0, or draws {self.draws} to 1")

    def step_length(self, index: int) -> float:
        """Return the length of step number `index`, from 0."""
        return self.step + (self.last_step - self.step) * index / max(self.steps - 1, 1)

    def craft(self, model: Classifier, count: int, seed: int, work: Work | None = None) -> OwnedExamples:
        """Return the examples that carry their label, at most `count`.

        Args:
            model: The classifier whose copies must be recognised; left as it is.
            count: Examples to begin.
            seed: Equal seeds give equal examples, bit for bit, on one machine.
            work: Progress and resumption; state of other settings, weights, counts or seeds is not taken up.

        Raises:
            ValueError: The settings do not fit the model or the count.
            CraftingError: No example carries its label.
        """
        self._check(model, count)
        labels = torch.randint(model.class_count, (count,), generator=stream(seed, STATE, "labels"))
        start = torch.rand((count, *model.image_shape), generator=stream(seed, STATE, "start")).to(model.dtype)
        images = self.descend(model, start, labels, seed, self._identify(work or Work(), model, count, seed))
        return _keep_labelled(model, images, labels)

    def descend(self, model: Classifier, start: Images, labels: Labels, seed: int, work: Work) -> Images:
        """Take all steps from `start`; the images may leave [0, 1] where low frequencies were taken away."""
        noisy = NoisyWeights(model.network, self.noise, relative=self.relative)
        state = work.resume(STATE)
        images, done = state.get("images", start), int(state.get("done", 0))
        work.progress("crafting", done, self.steps)
        for index in range(done, self.steps):
            rng = stream(seed, STATE, "weights", index)
            weights = [noisy.draw(rng) for _ in range(self.draws)]
            chunks = zip(images.split(self.chunk), labels.split(self.chunk), strict=True)
            gradient = torch.cat([mean_gradient(noisy.network, weights, *chunk) for chunk in chunks])
            images = (images - self.step_length(index) * gradient.sign()).clamp(0, 1)  # equation (2)
            if self.band:
                images = high_pass(images, self.band)  # equation (3)
            if (index + 1) % SAVED_EVERY == 0 or index + 1 == self.steps:
                work.save(STATE, {"images": images, "done": torch.tensor(index + 1)})
            work.progress("crafting", index + 1, self.steps)
        return images

    def _check(self, model: Classifier, count: int) -> None:
        _, height, width = model.image_shape
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        if self.band >= height + width - 2:
            raise ValueError(
                f"band {self.band} takes every frequency of a {height}x{width} image away; "
                f"the highest that leaves any is {max(height + width - 3, 0)}"
            )

    def _identify(self, work: Work, model: Classifier, count: int, seed: int) -> Work:
        # A chunk is no part of what is computed, so a run may go on with another.
        return work.bind_to(sorted(asdict(replace(self, chunk=1)).items()), model.digest(), count, seed)


def _keep_labelled(model: Classifier, images: Images, labels: Labels) -> OwnedExamples:
    """Clip and round; keep what still carries its label."""
    pixels = to_pixels(images)
    had = model.labels(images) == labels
    has = reference_labels(Forms(model), to_images(pixels)) == labels
    if not has.any():
        raise CraftingError(
            f"none of {len(labels)} examples carries its label after rounding to eight bits ({int(had.sum())} did "
            "before); take less noise, a narrower band, or more steps"
        )
    losses = target_loss(model.logits(to_images(pixels)), labels)
    return OwnedExamples(
        pixels=pixels[has.numpy()],
        labels=labels[has],
        losses=losses[has],
        class_count=model.class_count,
        asked=len(labels),
        missed=int((~had & ~has).sum()),
        lost=int((had & ~has).sum()),
    )


VARIANTS: dict[str, Callable[..., CExamples]] = {
    "vanilla": CExamples,
    "rc": partial(CExamples, noise=0.01),
    "rc-gm": partial(CExamples, noise=0.01, draws=10),
    "ltrc": partial(CExamples, noise=0.03, band=2),
}
"""The published forms, each with the noise that is best for CIFAR-10 in the paper's Table 2 (RC+GM is not in it, and
has that of RC). For 224x224 images, Table 1 has noise 0.001 and band 20."""
