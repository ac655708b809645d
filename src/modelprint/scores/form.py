"""The form in which a server prints scores, found from its answers. Needs no torch.

Rounding is found for each power of ten: a score was rounded to as many decimals as the longest score that is at least
as large has. For a fixed number of decimals these are all the same. For a fixed number of significant digits the larger
scores have fewer. In both cases no score is believed to be more exact than it is, whatever zeros were left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from modelprint.scores.printed import FULL, Printed

Scale = Literal["probabilities", "percent", "logits", "unknown"]
"""What scores are: "logits" are also their logarithms; "unknown" ones only have an order."""

BINARY: Mapping[int, str] = {8: "bfloat16", 11: "float16", 24: "float32", 53: "float64"}
"""Significant binary digits of the formats of floating-point numbers."""
SLACK = 2e-3
"""How far a sum of probabilities may be from 1 beyond what rounding explains."""
PERCENT_LEAD = 30.0
"""A list that leaves out classes is read as percent when some score is larger than this, and none of the sums 100."""
LARGEST_TRUNCATION = 4.0
"""Sums that lie this many standard errors of rounding below 1, all of them, come from cut-off digits."""
SMALLEST = {8: 2.0**-126, 11: 2.0**-25, 24: 2.0**-126, 53: 2.0**-126}
"""Error of the smallest numbers, by significant binary digits: half a step of float16; the others become zero."""


@dataclass(frozen=True, kw_only=True)
class ScoreForm:
    """How a server prints scores.

    Attributes:
        scale: What the scores are.
        decimals: Most decimals of scores of at least 10**power, by power of ten, as far as seen.
        bits: Significant binary digits: a key of BINARY.
        truncated: Whether further digits are cut off instead of rounded.
        listed: Most classes in one answer, when that is fewer than there are; None when all are.
        missing: Classes that never have a score though others do in every answer.
        temperature: What logits are divided by before they become probabilities.
    """

    scale: Scale
    decimals: Mapping[int, int] = field(default_factory=dict)
    bits: int = 53
    truncated: bool = False
    listed: int | None = None
    missing: tuple[int, ...] = ()
    temperature: float = 1.0

    def widths(self, values: Float64[np.ndarray, " n"]) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
        """Return how far below and above each score the number may have been that was rounded to it."""
        units = 10.0 ** -self._decimals_of(values).astype(np.float64)
        binary = np.abs(values) * 2.0**-self.bits + SMALLEST[self.bits]
        return units / 2 + binary, units * (1.0 if self.truncated else 0.5) + binary

    def _decimals_of(self, values: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return the decimals of each score: the most of any power of ten from its own on; 0 beyond what was seen."""
        known = np.array(sorted(self.decimals), dtype=np.int64)
        counts = np.array([*(self.decimals[int(power)] for power in known), 0], dtype=np.int64)
        most = np.maximum.accumulate(counts[::-1])[::-1]
        chosen: Int64[np.ndarray, " n"] = most[np.searchsorted(known, _powers_of_ten(values))]
        return chosen

    @property
    def digits(self) -> int | None:
        """Number of decimals when it is the same for all; None when it is not, or nothing is rounded to decimals."""
        counts = set(self.decimals.values())
        count = counts.pop() if len(counts) == 1 else FULL
        return None if count == FULL else count

    def describe(self, class_count: int) -> str:
        """Return the form in words: "probabilities of all 10 classes with 4 decimals"."""
        if self.scale == "unknown":
            return "scores that are neither probabilities nor logits, of which only the order counts"
        which = f"all {class_count} classes" if self.listed is None else f"up to {self.listed} of {class_count} classes"
        if self.digits is not None:
            rounding = f"{self.digits} decimals"
        elif self.decimals and max(self.decimals.values()) < FULL:
            longest = max(power + count + 1 for power, count in self.decimals.items())
            rounding = f"{longest} significant digits"
        else:
            rounding = f"all digits of {BINARY[self.bits]}"
        said = f"{self.scale} of {which} with {rounding}"
        said += ", cut off instead of rounded" if self.truncated else ""
        said += f", at a temperature of {self.temperature:.4g}" if self.temperature != 1 else ""
        return said + (f"; {len(self.missing)} classes never have a score" if self.missing else "")


def find_form(answers: Sequence[Printed], class_count: int) -> ScoreForm | None:
    """Return the form of all `answers` together; None when there are none.

    Args:
        answers: Of one server, about ordinary pictures and samples alike; the more there are, the sharper is the form.
        class_count: Number of classes.
    """
    if not answers:
        return None
    values = np.concatenate([one.values for one in answers])
    decimals = _find_decimals(values, np.concatenate([one.decimals for one in answers]))
    most = max(int(one.bits.max()) for one in answers)
    listed = max(one.count for one in answers)
    seen = {int(index) for one in answers for index in one.classes}
    form = ScoreForm(
        scale="unknown",
        decimals=decimals,
        bits=min(bits for bits in BINARY if bits >= most),
        listed=None if all(one.complete for one in answers) else listed,
        missing=tuple(sorted(set(range(class_count)) - seen)) if len(seen) == listed else (),
    )
    form = replace(form, scale=_find_scale(answers, values, form))
    return replace(form, truncated=form.scale in ("probabilities", "percent") and _is_truncated(answers, form))


def _powers_of_ten(values: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Return the power of ten of the first digit of each number; a large negative one for zero."""
    sizes = np.where(values == 0, 10.0**-FULL, np.abs(values))
    powers: Int64[np.ndarray, " n"] = np.floor(np.log10(sizes) + 1e-12).astype(np.int64)
    return powers


def _find_decimals(values: Float64[np.ndarray, " n"], counts: Int64[np.ndarray, " n"]) -> dict[int, int]:
    """Return the most decimals of scores of at least each power of ten that occurs."""
    powers = _powers_of_ten(values)
    return {int(power): int(counts[powers >= power].max()) for power in sorted(set(powers.tolist()))}


def _find_scale(answers: Sequence[Printed], values: Float64[np.ndarray, " n"], form: ScoreForm) -> Scale:
    if values.min() >= 0 and values.max() <= 1 + SLACK:
        return "probabilities" if _add_up_to(1.0, answers, form) else "unknown"
    if values.min() >= 0 and _add_up_to(100.0, answers, form) and (form.listed is None or values.max() > PERCENT_LEAD):
        return "percent"
    return "logits"


def _add_up_to(whole: float, answers: Sequence[Printed], form: ScoreForm) -> bool:
    """Whether the scores of each complete answer add up to `whole`, and no others to more."""
    for one in answers:
        slack = SLACK * whole + 2 * float(form.widths(one.values)[0].sum())
        if one.total > whole + slack or (one.complete and one.total < whole - slack):
            return False
    return True


def _is_truncated(answers: Sequence[Printed], form: ScoreForm) -> bool:
    """Whether sums of all classes stay below 1 by more than rounding to the nearest would come to.

    A sum of k rounded numbers is off by the square root of k / 12 units of the last decimal, one standard deviation.
    """
    whole = 100.0 if form.scale == "percent" else 1.0
    complete = [one for one in answers if one.complete]
    if not complete or form.digits is None:
        return False
    unit = 10.0**-form.digits
    deficits = np.array([(whole - one.total) / unit for one in complete])
    error = math.sqrt(complete[0].count / 12 / len(complete))
    return bool((deficits >= -1e-6).all()) and float(deficits.mean()) > LARGEST_TRUNCATION * error
