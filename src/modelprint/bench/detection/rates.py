"""From a table of mismatches to numbers: detection rates, intervals and ceilings."""

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float64, Int64

from modelprint.detection import bootstrap_interval, detection_rate
from modelprint.intervals import LEVEL
from modelprint.streams import derive

REPETITIONS = 2000
"""Tables drawn for an interval."""

Mismatches = Bool[np.ndarray, "models samples"]
"""True where a sample gets another label from a model."""


def detection(mismatched: Mismatches, n: int, *, ordered: bool = False) -> float | None:
    """Return the mean over the models of the probability that `n` samples show a mismatch.

    Args:
        mismatched: Models x samples.
        n: Number of samples asked.
        ordered: Whether the first `n` are asked; else `n` are drawn without replacement.

    Returns:
        None when there are no models or fewer samples.
    """
    models, samples = mismatched.shape
    if not models or n > samples:
        return None
    if ordered:
        return float(mismatched[:, :n].any(1).mean())
    return float(_rates(samples, n)[mismatched.sum(1)].mean())


def interval(
    mismatched: Mismatches, n: int, *, ordered: bool = False, repetitions: int = REPETITIONS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of `detection`, by resampling models and samples, both with replacement.

    One sample drawn at random sees the mean of the table, which `bootstrap_interval` resamples. In an order the samples
    that were drawn keep their places, and the first `n` different ones are asked.
    """
    if n == 1 and not ordered:
        return bootstrap_interval(mismatched, seed=seed, level=LEVEL, draws=repetitions)
    models, samples = mismatched.shape
    often = _draws(models, repetitions, seed, "models")
    columns = _draws(samples, repetitions, seed, "samples")
    if ordered:
        drawn = columns > 0
        asked = drawn & (drawn.cumsum(1) <= n)
        rates = (asked.astype(np.float32) @ mismatched.T.astype(np.float32)) > 0
    else:
        # Counts of at most some thousands are exact in float32, whose matrix product is fast.
        counts = columns.astype(np.float32) @ mismatched.T.astype(np.float32)
        rates = _rates(samples, n)[counts.astype(int)]
    means = (often * rates).sum(1) / models
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


@lru_cache(maxsize=16)
def _draws(count: int, repetitions: int, seed: int, name: str) -> Int64[np.ndarray, "repetitions count"]:
    """Return how often each of `count` things is drawn; the same for all cells, so that they can be compared."""
    rng = np.random.default_rng(derive(seed, "bootstrap", name))
    return rng.multinomial(count, np.full(count, 1 / count), size=repetitions)


@lru_cache(maxsize=256)
def _rates(samples: int, n: int) -> Float64[np.ndarray, " counts"]:
    """Return the exact detection rate of each possible number of mismatches."""
    return np.array([detection_rate(count, samples, n) for count in range(samples + 1)])


def ceiling(rate: float, n: int, samples: int) -> float:
    """Return the most that a mean detection rate with `n` samples can be when that with one sample is `rate`.

    The rate of a suspect is concave in its number of mismatches, so the mean over suspects is at most the rate at their
    mean number: 1 - C(samples - k, n) / C(samples, n) with k = rate * samples, which need not be whole.
    """
    return 1 - math.prod(max(samples * (1 - rate) - i, 0.0) / (samples - i) for i in range(n))
