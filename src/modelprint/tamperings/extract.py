"""Extraction: a student is trained on nothing but the classifier's answers.

Sources: N. Papernot, P. McDaniel, I. Goodfellow, S. Jha, Z. B. Celik and A. Swami, "Practical Black-Box Attacks against
Machine Learning", ASIA CCS 2017, https://arxiv.org/abs/1602.02697, algorithm 1: query a few images, train a
student on the labels, move each image along the sign of the student's gradient for the victim's label, and repeat.
T. Orekondy, B. Schiele and M. Fritz, "Knockoff Nets: Stealing Functionality of Black-Box Models", CVPR 2019,
https://arxiv.org/abs/1812.02766: random images from another distribution, and the victim's probabilities for them.
A student that agrees with the victim on 70 % of the test images counts as extracted, as in Z. Peng et al.,
"Fingerprinting Deep Neural Networks Globally via Universal Adversarial Perturbations", CVPR 2022.

Departures: queries are counted, and the whole budget is used; if doubling would exceed it, the images to move are
drawn, similar to Papernot's reservoir sampling. Queries are eight-bit images, so the step is a whole number of grey
levels, 26 for the published 0.1. The gradient is that of the logarithm of the probability, which has the same sign and
does not vanish. The student keeps its weights from round to round and is trained for one short cycle of SGD in each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import SETS, DataSet, LabelledImages, load_data
from modelprint.errors import TrainingError
from modelprint.fast.folding import make_quick_copy
from modelprint.fast.known import agreement_on, compute_logits
from modelprint.pixels import Pixels
from modelprint.progress import Progress
from modelprint.tamperings.students import choose_light_augmentation, make_cycle_recipe, make_untrained
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import GREY_LEVELS, Images, Labels, to_images, to_pixels
from modelprint.training import Augmentation, Recipe, prepare_batch, train

Form = Literal["labels", "probabilities"]
CHUNK = 1024
"""Images processed at a time."""


@dataclass(frozen=True, kw_only=True)
class Extract:
    """Query images and train a student on the answers.

    Attributes:
        answers: The victim's answers: "labels", or "probabilities" of all classes.
        growth: "jacobian": start with `seeds` images and move them in rounds until the budget is used; "none": draw as
            many images as there are queries.
        source: Name in SETS of the initial images, resized to fit; empty: images of the victim's data set, the spare
            part if there is one.
        queries: Images to query, all rounds together.
        seeds: Number of initial images for "jacobian".
        step: Change of a pixel in a round, for images in [0, 1]; rounded to whole grey levels.
        network: The student's name in NETWORKS; empty: the victim's architecture.
        learning_rate: Peak of each cycle.
        epochs: Passes over all images queried so far, in each round.
        batch: Images per step of the student.
        agreement: Share of test images with the victim's label that counts as an extraction, 0..1.
    """

    answers: Form = "labels"
    growth: Literal["jacobian", "none"] = "jacobian"
    source: str = ""
    queries: int = 20_000
    seeds: int = 5_000
    step: float = 0.1
    network: str = ""
    learning_rate: float = 0.05
    epochs: int = 10
    batch: int = 64
    agreement: float = 0.7

    def __post_init__(self) -> None:
        if self.queries < 1:
            raise ValueError(f"queries must be at least 1, got {self.queries}")
        if self.growth == "jacobian" and not 1 <= self.seeds <= self.queries:
            raise ValueError(f"seeds are some of the {self.queries} queries, at least 1, got {self.seeds}")
        if not 1 <= self.levels <= GREY_LEVELS:
            raise ValueError(f"step is at least one grey level (1/255) and at most 1, got {self.step}")
        if not 0 < self.agreement <= 1:
            raise ValueError(f"agreement is a share of the test images, above 0 and at most 1, got {self.agreement}")
        if self.source and self.source not in SETS:
            raise ValueError(f"source is the name of a data set, one of {', '.join(SETS)}, got {self.source!r}")

    @property
    def deterministic(self) -> bool:
        """Images and initial weights differ with the seed."""
        return False

    @property
    def levels(self) -> int:
        """Change of a pixel in a round, in grey levels."""
        return round(self.step * GREY_LEVELS)

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the student; TrainingError when there are too few initial images."""
        victim, student = make_quick_copy(model), make_untrained(self.network, model, rng)
        pool = self._choose_pool(data, progress)
        first = self._draw_images(pool, rng)
        asked = ask(victim, fit_images(first.pixels, model.image_shape), self.answers)
        steps, rounds = self._learn(student, asked, rng, progress), 0
        while len(asked) < self.queries:
            grown = move_images(student, asked.draw(min(len(asked), self.queries - len(asked)), rng), self.levels)
            asked = asked.join(ask(victim, grown, self.answers))
            steps += self._learn(student, asked, rng, progress)
            rounds += 1
        reached = agreement_on(data.test, model, model.with_network(student))
        return Tampered(
            network=student,
            steps=steps,
            goal=f"the victim's label on at least {self.agreement:.0%} of the test images",
            goal_value=reached,
            goal_reached=reached >= self.agreement,
            architecture=self.network,
            notes=f"{self.network or model.name}; {len(asked)} queries for {self.answers}, {len(first)} of them images "
            f"of {pool.name}, the others made of these in {rounds} rounds",
        )

    def _choose_pool(self, data: DataSet, progress: Progress) -> LabelledImages:
        if self.source:
            return load_data(self.source, progress=progress).train
        return data.train if data.spare is None else data.spare

    def _draw_images(self, pool: LabelledImages, rng: torch.Generator) -> LabelledImages:
        count = self.seeds if self.growth == "jacobian" else self.queries
        if count > len(pool):
            name = "seeds" if self.growth == "jacobian" else "queries"
            raise TrainingError(
                f"{pool.name} has {len(pool)} images, but {count} are needed; set {name} lower, or choose another "
                "source"
            )
        return pool.take(torch.randperm(len(pool), generator=rng)[:count].numpy())

    def _learn(self, student: nn.Module, asked: "Answered", rng: torch.Generator, progress: Progress) -> int:
        def objective(network: nn.Module, inputs: Tensor, index: Labels) -> Tensor:
            loss = F.cross_entropy(network(inputs), asked.answers[index])
            loss.backward()
            return loss

        phase = f"training on {len(asked)} answers"
        return train(student, asked, self._recipe, rng, objective=objective, phase=phase, progress=progress)

    @property
    def _recipe(self) -> Recipe:
        return make_cycle_recipe(self.learning_rate, self.epochs, self.batch)


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """Images with the victim's answers; as batches, they have their indices in place of labels.

    Attributes:
        pixels: The queried images.
        answers: Probability of each class; one-hot for labels.
        augment: Augmentation during training.
    """

    pixels: Pixels
    answers: Float[Tensor, "n classes"]
    augment: Augmentation = "none"

    def __len__(self) -> int:
        return len(self.pixels)

    def epoch(self, size: int, rng: torch.Generator) -> Iterator[tuple[Images, Int64[Tensor, " n"]]]:
        """Yield every image once, in a fresh random order, with its index."""
        for index in torch.randperm(len(self), generator=rng).split(size):
            yield prepare_batch(torch.from_numpy(self.pixels[index.numpy()]), self.augment, rng), index

    def draw(self, count: int, rng: torch.Generator) -> "Answered":
        """Return `count` of the images, each at most once."""
        index = torch.randperm(len(self), generator=rng)[:count].sort().values
        return Answered(pixels=self.pixels[index.numpy()], answers=self.answers[index], augment=self.augment)

    def join(self, other: "Answered") -> "Answered":
        """Return the images and answers of both."""
        return Answered(
            pixels=np.concatenate([self.pixels, other.pixels]),
            answers=torch.cat([self.answers, other.answers]),
            augment=self.augment,
        )


def ask(victim: Classifier, pixels: Pixels, form: Form) -> Answered:
    """Return the images with the victim's answers; each image is one query."""
    logits = compute_logits(victim, pixels)
    labels = F.one_hot(logits.argmax(1), victim.class_count).float()
    answers = labels if form == "labels" else logits.softmax(1)
    return Answered(pixels=pixels, answers=answers, augment=choose_light_augmentation(victim.image_shape))


def move_images(student: nn.Module, asked: Answered, levels: int) -> Pixels:
    """Return each image after a step along the sign of the student's gradient for the victim's class.

    Args:
        student: In evaluation mode.
        asked: The images and the victim's answers.
        levels: Length of the step in grey levels; pixels are clipped to 0..255.
    """
    labels, parts = asked.answers.argmax(1), []
    for start in range(0, len(asked), CHUNK):
        pixels = asked.pixels[start : start + CHUNK]
        images = to_images(pixels).requires_grad_()
        chosen = F.log_softmax(student(images), dim=1).gather(1, labels[start : start + CHUNK, None])
        (gradient,) = torch.autograd.grad(chosen.sum(), images)
        change = levels * gradient.sign().to(torch.int16).numpy()
        parts.append((pixels + change).clip(0, GREY_LEVELS).astype(np.uint8))
    return np.concatenate(parts)


def fit_images(pixels: Pixels, image_shape: tuple[int, int, int]) -> UInt8[np.ndarray, "n channels height width"]:
    """Return images in another shape: colours are averaged to grey if the number of channels differs, sizes resized."""
    if pixels.shape[1:] == image_shape:
        return pixels
    channels, *size = image_shape
    parts = []
    for start in range(0, len(pixels), CHUNK):
        images = to_images(pixels[start : start + CHUNK])
        if images.shape[1] != channels:
            images = images.mean(1, keepdim=True).expand(-1, channels, -1, -1)
        parts.append(to_pixels(F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)))
    return np.concatenate(parts)
