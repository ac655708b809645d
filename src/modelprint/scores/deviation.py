"""How far printed scores are from what honest serving would print, in noise floors. Needs no torch.

A printed probability stands for every number that is rounded to it. The deviation of a class is the distance of the
sealed log-probability from the logarithms of these numbers, divided by the floor: 0 where the sealed one would be
printed in the same way. An answer differs when some class deviates by more than three floors: then no number within
three floors of the sealed one is rounded to what was printed.

Logits are compared after the logarithm of the sum of their powers is subtracted, which makes them log-probabilities;
where classes are missing, with the logit of the most probable class that was printed. A shift that all logits share
changes no probability and is not seen.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.scores.form import ScoreForm
from modelprint.scores.printed import Printed

Vector = Float64[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far one answer is from the sealed scores.

    Attributes:
        largest: Of the class that deviates most, in floors.
        index: That class.
        square: Mean over the classes of the squared deviation, in floors squared.
        value: What was printed for that class.
        expected: What the sealed log-probability would have been printed as, before rounding.
    """

    largest: float
    index: int
    square: float
    value: float
    expected: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Interval:
    """Between which numbers a log-probability lies.

    Attributes:
        low: Lower ends; minus infinity where nothing is known.
        high: Upper ends.
    """

    low: Vector
    high: Vector


def expected_logs(
    expected: ExpectedScores, classes: Int64[np.ndarray, " n"], temperature: float = 1.0
) -> tuple[Vector, Vector]:
    """Return the smallest and largest log-probability that each class may have; the same number for a sealed one.

    Args:
        expected: The sealed scores of a picture.
        classes: The classes asked for.
        temperature: What the server divides logits by; other than 1 it needs the scores of all classes.
    """
    logs = np.array(expected.logs)
    if temperature != 1.0:
        logs = logs / temperature
        logs = logs - _log_sum(logs)
    if not expected.classes:
        return logs[classes], logs[classes]
    place = {kept: row for row, kept in enumerate(expected.classes)}
    # A class that is not sealed is less probable than all that are, and than the rest together.
    most = min(float(logs.min()), np.log(max(expected.rest, 1e-300)))
    low = np.array([logs[place[int(one)]] if int(one) in place else -np.inf for one in classes])
    high = np.array([logs[place[int(one)]] if int(one) in place else most for one in classes])
    return low, high


def deviate(printed: Printed, form: ScoreForm, expected: ExpectedScores, floor: float) -> Deviation | None:
    """Return how far an answer is from the sealed scores; None when its form has no scale, or compares nothing.

    Args:
        printed: The scores in the answer.
        form: How the server prints scores.
        expected: The sealed scores of the picture.
        floor: Largest honest change of a log-probability.
    """
    if form.scale == "unknown":
        return None
    low, high = expected_logs(expected, printed.classes, form.temperature)
    if form.scale != "logits":
        return _summarise(printed, read_logs(printed, form), low, high, floor / form.temperature)
    if printed.complete and not expected.classes:
        return _summarise(printed, read_logs(printed, form), low, high, floor / form.temperature)
    return _compare_gaps(printed, form, low, high, floor / form.temperature)


def read_logs(printed: Printed, form: ScoreForm) -> Interval:
    """Return between which numbers the log-probability of each printed class lies, by what was printed alone."""
    below, above = form.widths(printed.values)
    if form.scale == "logits":
        total = _log_sum(printed.values)
        spread = float(max(below.max(), above.max()))
        return Interval(low=printed.values - below - spread - total, high=printed.values + above + spread - total)
    whole = 100.0 if form.scale == "percent" else 1.0
    with np.errstate(divide="ignore"):
        low = np.log(np.maximum(printed.values - below, 0.0) / whole)
        return Interval(low=low, high=np.log(np.minimum((printed.values + above) / whole, 1.0 + 1e-6)))


def deviate_in_order(
    printed: Printed, expected: ExpectedScores, floor: float, *, leading: int | None = None
) -> Deviation:
    """Return how far an answer's order of classes is from the sealed one.

    A class is printed before another although the sealed gap between them is so many floors the other way. Equal scores
    have no order. Half of the gap counts, because each of the two log-probabilities may move by a floor.

    Args:
        printed: The scores in the answer, on any rising scale.
        expected: The sealed scores of the picture.
        floor: Largest honest change of a log-probability.
        leading: How many of the first classes are compared with those after them; None for all.
    """
    order = np.argsort(-printed.values, kind="stable")
    low, high = (ends[order] for ends in expected_logs(expected, printed.classes))
    values = printed.values[order]
    worst, where = 0.0, 0
    for row in range(len(order) if leading is None else min(leading, len(order))):
        later = low[values < values[row]]
        gap = float(later.max() - high[row]) / (2 * floor) if len(later) else 0.0
        if gap > worst:
            worst, where = gap, row
    chosen = int(order[where])
    return Deviation(
        largest=worst,
        index=int(printed.classes[chosen]),
        square=0.0,
        value=float(printed.values[chosen]),
        expected=float(np.exp(high[where])),
    )


def _compare_gaps(printed: Printed, form: ScoreForm, low: Vector, high: Vector, floor: float) -> Deviation | None:
    """Compare the logits with that of the most probable class that was printed; a gap moves by two floors."""
    first = int(np.argmax(low))
    if len(low) < 2 or not np.isfinite(low[first]):
        return None
    below, above = form.widths(printed.values)
    gaps = printed.values - printed.values[first]
    seen = Interval(low=gaps - below - above[first], high=gaps + above + below[first])
    return _summarise(printed, seen, low - low[first], high - low[first], 2 * floor)


def _summarise(printed: Printed, seen: Interval, low: Vector, high: Vector, floor: float) -> Deviation:
    apart = np.maximum(np.maximum(seen.low - high, low - seen.high), 0.0) / floor
    worst = int(np.argmax(apart))
    return Deviation(
        largest=float(apart[worst]),
        index=int(printed.classes[worst]),
        square=float((apart**2).mean()),
        value=float(printed.values[worst]),
        expected=float(np.exp(high[worst])),
    )


def _log_sum(logs: Vector) -> float:
    """Return the logarithm of the sum of powers."""
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).sum()))
