"""Exact (Clopper-Pearson) bounds of a probability, from a count of events.

Source: C. Clopper and E. Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 26 (1934).
"""

from scipy.special import betaincinv

LEVEL = 0.95
"""Default confidence level."""


def upper_bound(count: int, trials: int, level: float = LEVEL) -> float:
    """Return the one-sided upper bound of a probability: about 3 / trials for a count of 0, and 1 for no trials.

    At this probability, `count` or fewer events occur with probability 1 - `level`.

    Raises:
        ValueError: `count` is not 0 to `trials`, or `level` is not between 0 and 1.
    """
    if not 0 <= count <= trials:
        raise ValueError(f"count is 0 to {trials}, the number of trials, got {count}")
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, got {level}")
    return float(betaincinv(count + 1, trials - count, level)) if count < trials else 1.0


def lower_bound(count: int, trials: int, level: float = LEVEL) -> float:
    """Return the one-sided lower bound of a probability, 0 for no trials; ValueError as in `upper_bound`."""
    return 1 - upper_bound(trials - count, trials, level)


def exact_interval(count: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the two-sided interval of a probability, (0, 1) for no trials; ValueError as in `upper_bound`."""
    one_sided = (1 + level) / 2
    return lower_bound(count, trials, one_sided), upper_bound(count, trials, one_sided)
