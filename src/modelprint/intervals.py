"""Exact (Clopper-Pearson) bounds of a probability of which a count was seen.

Source: C. Clopper and E. Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 26 (1934).
"""

from scipy.special import betaincinv

LEVEL = 0.95
"""Of every interval and bound that is not asked for otherwise."""


def upper_bound(count: int, trials: int, level: float = LEVEL) -> float:
    """Return the one-sided upper bound of a probability: 3 / trials where nothing was seen, 1 where nothing was tried.

    It is the probability at which `count` or fewer would be seen with probability 1 - `level`.

    Raises:
        ValueError: `count` is not 0 to `trials`, or `level` is no probability between 0 and 1.
    """
    if not 0 <= count <= trials:
        raise ValueError(f"count is 0 to {trials}, the number of trials, got {count}")
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, got {level}")
    return float(betaincinv(count + 1, trials - count, level)) if count < trials else 1.0


def exact_interval(count: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the two-sided interval of a probability, 0 to 1 where nothing was tried; ValueError as `upper_bound`."""
    one_sided = (1 + level) / 2
    return 1 - upper_bound(trials - count, trials, one_sided), upper_bound(count, trials, one_sided)
