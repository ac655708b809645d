"""Records refuse numbers that make no sense, when they are made."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.integrity import Fingerprint

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda made: replace(made, samples=()), "a fingerprint has 1 to 10000 samples, got 0"),
        (lambda made: replace(made.samples[0], margin=math.nan), "a margin is a finite difference of logits"),
        (lambda made: replace(made.samples[0], margin=math.inf), "a margin is a finite difference of logits"),
        (lambda made: replace(made.samples[0], confidence=math.nan), "a confidence is a probability, got nan"),
        (lambda made: replace(made.profile, floor=math.nan), "floor is a finite number"),
        (lambda made: replace(made.profile, variants={"x": math.inf}), "x is a finite number"),
        (lambda made: replace(made.preprocessing, value_range=(0.0, math.inf)), "value_range is two finite numbers"),
        (lambda made: replace(made.preprocessing, mean=(0.5,)), "both mean and std, or neither"),
        (
            lambda made: replace(made.preprocessing, mean=(0.5, 0.5), std=(1.0, 1.0)),
            "for each of 1 channels, got 2 and 2",
        ),
        (lambda made: replace(made.preprocessing, mean=(0.5,), std=(0.0,)), "std is positive"),
        (lambda made: replace(made.preprocessing, mean=(math.nan,), std=(1.0,)), "finite numbers"),
        (lambda made: replace(made, class_names=("a", "b", "c\n")), "characters that cannot be printed"),
        (lambda made: replace(made, class_names=("a", "b", "\ud800")), "characters that cannot be printed"),
        (lambda made: replace(made.provenance, seed=2**53), "seed is a whole number"),
        (lambda made: replace(made.provenance, created="2026-01-31T12:00:00"), "created is a time in UTC"),
    ],
)
def test_what_makes_no_sense_is_a_value_error(
    make: Callable[[Fingerprint], object], expected: str, example: Callable[..., Fingerprint]
) -> None:
    """The owner hears about it when the fingerprint is made."""
    with pytest.raises(ValueError, match=expected):
        make(example())
