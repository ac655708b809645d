"""Output forms: what a service shows of its answer, and when two answers differ in it.

Source: Z. He, T. Zhang and R. Lee, "Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, section IV-E
and Tables III to VI. There `top-1-p-dec2` compares the rounded value alone: with the label it could not see less than
`top-1`, as it does in Table VI. `label+p-dec2` is ours: the same value with its label, so it sees at least as much.

Departures: the public code (zechenghe/Sensitive_Sample_Fingerprinting) writes ten to the power of n with the operator
of exclusive or, which makes 10 ^ 2 eight: it rounds to eighths. Here probabilities are computed in float64, multiplied
by a power of ten, rounded half to even, and compared as whole numbers, without a tolerance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from modelprint.tensors import Logits

LABEL = "top-1"
"""The form in which every service answers; the others are shown beside it."""

Differ = Callable[[Logits, Logits], Bool[Tensor, " n"]]
"""From the logits expected and those that came: whether each answer differs."""


@dataclass(frozen=True, kw_only=True)
class OutputForm:
    """One form of answers.

    Attributes:
        shows: What a service shows in it, in words.
        differ: Compares two answers.
        classes: How many classes there have to be.
    """

    shows: str
    differ: Differ
    classes: int = 2

    def __call__(self, expected: Logits, got: Logits) -> Bool[Tensor, " n"]:
        """Return whether each answer differs; ValueError when there are too few classes for this form."""
        if expected.shape[1] < self.classes:
            raise ValueError(f"{self.shows}: needs at least {self.classes} classes, got {expected.shape[1]}")
        return self.differ(expected, got)


def rankings_differ(expected: Logits, got: Logits, *, k: int) -> Bool[Tensor, " n"]:
    """Return whether the lists of the `k` most probable classes, in order, differ; ties go to the lower index."""
    ranked = (logits.sort(dim=1, descending=True, stable=True).indices[:, :k] for logits in (expected, got))
    first, second = ranked
    return (first != second).any(1)


def labels_differ(expected: Logits, got: Logits) -> Bool[Tensor, " n"]:
    """Return whether the most probable classes differ."""
    return expected.argmax(1) != got.argmax(1)


def top_values_differ(expected: Logits, got: Logits, *, decimals: int) -> Bool[Tensor, " n"]:
    """Return whether the largest probabilities differ after rounding, whichever class they belong to."""
    first, second = (_probabilities(logits).amax(1, keepdim=True) for logits in (expected, got))
    return _rounded_differ(first, second, decimals)


def values_differ(expected: Logits, got: Logits, *, decimals: int) -> Bool[Tensor, " n"]:
    """Return whether the probability of any class differs after rounding."""
    return _rounded_differ(_probabilities(expected), _probabilities(got), decimals)


def labels_or_values_differ(expected: Logits, got: Logits, *, decimals: int) -> Bool[Tensor, " n"]:
    """Return whether the most probable classes or their rounded probabilities differ."""
    return labels_differ(expected, got) | top_values_differ(expected, got, decimals=decimals)


def _probabilities(logits: Logits) -> Float64[Tensor, "n classes"]:
    return logits.double().softmax(1)


def _rounded_differ(
    expected: Float64[Tensor, "n values"], got: Float64[Tensor, "n values"], decimals: int
) -> Bool[Tensor, " n"]:
    return (round_half_even(expected, decimals) != round_half_even(got, decimals)).any(1)


def round_half_even(values: Float64[Tensor, "n values"], decimals: int) -> Float64[Tensor, "n values"]:
    """Return how many units of the last decimal each value has, half to even: 0.125 has 12 hundredths."""
    return torch.round(values * 10.0**decimals)


OUTPUTS: dict[str, OutputForm] = {
    LABEL: OutputForm(shows="the label", differ=labels_differ),
    "top-3": OutputForm(shows="the first 3 labels in order", differ=partial(rankings_differ, k=3), classes=3),
    "top-5": OutputForm(shows="the first 5 labels in order", differ=partial(rankings_differ, k=5), classes=5),
    "top-1-p-dec2": OutputForm(
        shows="the largest probability with 2 decimals, without its label",
        differ=partial(top_values_differ, decimals=2),
    ),
    "p-dec-1": OutputForm(shows="all probabilities with 1 decimal", differ=partial(values_differ, decimals=1)),
    "p-dec-2": OutputForm(shows="all probabilities with 2 decimals", differ=partial(values_differ, decimals=2)),
    "label+p-dec2": OutputForm(
        shows="the label and its probability with 2 decimals", differ=partial(labels_or_values_differ, decimals=2)
    ),
}
"""Every form, by its name in plans and tables."""


def differences(expected: Logits, got: Logits) -> dict[str, Bool[Tensor, " n"]]:
    """Return whether each answer differs, by the name of every form for which there are enough classes."""
    return {name: form(expected, got) for name, form in OUTPUTS.items() if form.classes <= expected.shape[1]}
