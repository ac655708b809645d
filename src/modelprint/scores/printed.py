"""The scores in one answer, with what their digits say about how they were rounded. Needs no torch.

A score of 0.10 has two decimals, 0.1000 has four. Servers that round arrays of float32 print 0.07000000029802322 for
0.07; such a number counts with the two decimals that it is nearest to.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from modelprint.oracles.oracle import Answer

FULL = 99
"""Decimals of a number that was not rounded to decimals."""
SHORT = 7
"""Most significant digits of a number that is believed to be rounded to the decimals it shows."""
LAST_SNAPPED = 6
"""Most decimals that a longer number is compared with."""

_NUMBER = re.compile(r"[+-]?(?P<whole>\d*)\.?(?P<part>\d*)(?:[eE](?P<power>[+-]?\d+))?", re.ASCII)


@dataclass(frozen=True, kw_only=True, eq=False)
class Printed:
    """The scores in one answer.

    Attributes:
        classes: Class of each score whose label is known; each class once.
        values: Its score.
        decimals: Its decimals; FULL when it has as many digits as a float.
        bits: Significant binary digits of the number, 0 for zero and 53 for most decimal fractions.
        total: Sum of all scores, those of unknown labels too.
        count: Number of all scores.
        complete: Whether every class has a score, and nothing else has.
    """

    classes: Int64[np.ndarray, " n"]
    values: Float64[np.ndarray, " n"]
    decimals: Int64[np.ndarray, " n"]
    bits: Int64[np.ndarray, " n"]
    total: float
    count: int
    complete: bool


def read_printed(answer: Answer, class_count: int) -> Printed | None:
    """Return the scores in an answer; None when it has none, or two of them for one class."""
    texts = answer.printed or tuple(repr(score) for _, score in answer.ranking)
    if len(texts) != len(answer.ranking) or not all(math.isfinite(score) for _, score in answer.ranking):
        return None
    known = [
        (index, score, text)
        for (index, score), text in zip(answer.ranking, texts, strict=True)
        if index is not None and 0 <= index < class_count
    ]
    if not known or len({index for index, _, _ in known}) < len(known):
        return None
    return Printed(
        classes=np.array([index for index, _, _ in known], dtype=np.int64),
        values=np.array([score for _, score, _ in known], dtype=np.float64),
        decimals=np.array([count_decimals(text, score) for _, score, text in known], dtype=np.int64),
        bits=np.array([count_bits(score) for _, score, _ in known], dtype=np.int64),
        total=math.fsum(score for _, score in answer.ranking),
        count=len(answer.ranking),
        complete=len(known) == len(answer.ranking) == class_count,
    )


def count_decimals(text: str, value: float) -> int:
    """Return to how many decimals a number was rounded, as far as its digits tell: 0.10 to 2, 1e-05 to 5.

    Args:
        text: The number as printed.
        value: The same as a float.
    """
    found = _NUMBER.fullmatch(text)
    whole, part, power = (found["whole"], found["part"], int(found["power"] or 0)) if found else (text, "", 0)
    if len((whole + part).strip("0")) <= SHORT and abs(power) < FULL:
        return max(0, len(part) - power)
    return next((d for d in range(LAST_SNAPPED + 1) if _is_near(value * 10**d, value)), FULL)


def count_bits(value: float) -> int:
    """Return how many significant binary digits a number has: 1 for 0.5, at most 8 for bfloat16, 24 for float32."""
    mantissa = int(abs(math.frexp(value)[0]) * 2**53)
    return 0 if not mantissa else 53 - ((mantissa & -mantissa).bit_length() - 1)


def _is_near(scaled: float, value: float) -> bool:
    """Whether a number is whole, up to the rounding of float32."""
    if not value:
        return True
    return abs(scaled - round(scaled)) <= abs(scaled) * 2.0**-23 and round(scaled) != 0
