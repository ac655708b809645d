"""How well examples separate copies from other models: robustness, transferability, and their difference.

Source: the paper of the C-examples, appendix A.3. Robustness is the share of examples that pruned models give the label
they were made for, transferability the same share of models that are no copies, and the uniqueness score is the first
minus the second. Below zero, other models are classified as copies more often than copies are.

Departures: the paper gives means without intervals. Here one model's share has its exact (Clopper-Pearson) interval,
for examples that might have been crafted instead. Answers of several models to the same examples depend on each other,
so a mean over models gets the mean of intervals that hold together (Bonferroni): right whatever the dependence, and
wide. It speaks of these models, not of all that there may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.intervals import LEVEL, exact_interval
from modelprint.oracles.local import check_model
from modelprint.ownership.c_examples import OwnedExamples
from modelprint.tensors import Labels, to_images

Answers = Int64[Tensor, "models n"]
"""The label that each model gives to each example."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How many examples each of some models gives the label they were made for.

    Attributes:
        counts: Of each model, how many.
        examples: Of how many.
        level: Of the intervals, 0..1.
    """

    counts: tuple[int, ...]
    examples: int
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not self.counts or self.examples < 1:
            raise ValueError("agreement needs the answers of at least one model to at least one example")
        for count in self.counts:
            exact_interval(count, self.examples, self.level)

    @property
    def count(self) -> int:
        """Answers that are the label."""
        return sum(self.counts)

    @property
    def trials(self) -> int:
        """Answers."""
        return len(self.counts) * self.examples

    @property
    def share(self) -> float:
        """Share of the answers that are the label, 0..1; the mean over the models."""
        return self.count / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the share, for other examples crafted in the same way and these very models."""
        each = 1 - (1 - self.level) / len(self.counts)
        bounds = [exact_interval(count, self.examples, each) for count in self.counts]
        return sum(low for low, _ in bounds) / len(bounds), sum(high for _, high in bounds) / len(bounds)

    def of(self, index: int) -> tuple[float, float, float]:
        """Return the share of one model, and its interval."""
        return self.counts[index] / self.examples, *exact_interval(self.counts[index], self.examples, self.level)

    def summary(self) -> str:
        """Return the share, its interval, the counts and the extremes as one line."""
        low, high = self.interval
        least, most = (100 * pick(self.counts) / self.examples for pick in (min, max))
        return (
            f"{100 * self.share:.1f} % ({100 * low:.1f} to {100 * high:.1f}; {self.count} of {self.trials} answers, "
            f"{len(self.counts)} models from {least:.0f} to {most:.0f} %)"
        )


@dataclass(frozen=True, kw_only=True)
class Uniqueness:
    """How much more often copies give the labels than other models do.

    Attributes:
        robustness: Of copies.
        transferability: Of models that are no copies.
    """

    robustness: Agreement
    transferability: Agreement

    def __post_init__(self) -> None:
        if self.robustness.examples != self.transferability.examples:
            raise ValueError(
                f"both have to be asked about the same examples, got {self.robustness.examples} for the copies "
                f"and {self.transferability.examples} for the others"
            )

    @property
    def score(self) -> float:
        """The published score, -1..1; the paper prints it in points of 100."""
        return self.robustness.share - self.transferability.share

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the score; each part takes half of what may go wrong."""
        halves = [replace(a, level=(1 + a.level) / 2).interval for a in (self.robustness, self.transferability)]
        (low, high), (other_low, other_high) = halves
        return low - other_high, high - other_low

    def summary(self) -> str:
        """Return the score and its parts, a line each."""
        low, high = self.interval
        return (
            f"uniqueness {100 * self.score:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})\n"
            f"robustness {self.robustness.summary()}\n"
            f"transferability {self.transferability.summary()}"
        )


def agreement(labels: Labels, answers: Answers, *, level: float = LEVEL) -> Agreement:
    """Count how often `answers` are the labels.

    Raises:
        ValueError: There is no example or no model, or an answer is missing (below 0): silence is neither agreement
            nor disagreement.
    """
    if not answers.numel():
        raise ValueError(f"agreement needs at least one model and one example, got {tuple(answers.shape)} answers")
    missing = (answers < 0).nonzero()
    if len(missing):
        model, example = missing[0].tolist()
        raise ValueError(f"model {model} gave no answer to example {example}; ask again, or leave the example out")
    counts = (answers == labels).sum(1).tolist()
    return Agreement(counts=tuple(counts), examples=len(labels), level=level)


def uniqueness(labels: Labels, copies: Answers, others: Answers, *, level: float = LEVEL) -> Uniqueness:
    """Return the score from what copies and other models answered to the same examples.

    Args:
        labels: What the examples were made for.
        copies: Answers of models derived from the owner's: the robustness.
        others: Answers of models that are not: the transferability.
        level: Of the intervals.
    """
    return Uniqueness(
        robustness=agreement(labels, copies, level=level), transferability=agreement(labels, others, level=level)
    )


def answers_of(models: Sequence[Classifier], examples: OwnedExamples) -> Answers:
    """Return the label that each of `models` gives to each example.

    Raises:
        ValueError: There is no model, or one takes other images or knows another number of classes.
    """
    if not models:
        raise ValueError("there is no model to ask")
    shape = examples.pixels.shape[1:]
    for model in models:
        check_model(model, shape, examples.class_count, subject="these examples")
    return torch.stack([model.labels(to_images(examples.pixels)) for model in models])
