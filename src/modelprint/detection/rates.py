"""How often a fingerprint sees a tampering: exact detection rates on local suspects.

A verification asks about N of the n samples, drawn without replacement, and sees the tampering when one of the k that
change their label is among them. That happens with probability 1 - C(n - k, N) / C(n, N), so no drawing is simulated.
"""

from fractions import Fraction
from math import prod

import numpy as np

from modelprint.streams import derive


def detection_rate(mismatches: int, samples: int, queries: int) -> float:
    """Return the probability that `queries` different samples, drawn at random, show at least one mismatch.

    Args:
        mismatches: How many of the samples get another label from the suspect.
        samples: How many there are.
        queries: How many are asked.
    """
    if not 0 <= mismatches <= samples:
        raise ValueError(f"mismatches is 0 to {samples}, the number of samples, got {mismatches}")
    if not 0 <= queries <= samples:
        raise ValueError(f"queries is 0 to {samples}, the number of samples, got {queries}")
    # C(n - k, N) / C(n, N) as a product over the draws; in fractions, since floats would cancel where k is small.
    unseen = prod((Fraction(max(samples - mismatches - i, 0), samples - i) for i in range(queries)), start=Fraction(1))
    return float(1 - unseen)


def bootstrap_interval(
    mismatched: np.ndarray, *, seed: int = 0, level: float = 0.95, draws: int = 2000
) -> tuple[float, float]:
    """Return an interval of the mean of a table, by resampling its rows and its columns, both with replacement.

    Args:
        mismatched: Models x samples, true where the label differs.
        seed: Of the draws.
        level: Probability mass inside.
        draws: How many tables are drawn.
    """
    if mismatched.ndim != 2 or not mismatched.size:
        raise ValueError(f"the table is models x samples and not empty, got shape {mismatched.shape}")
    rng = np.random.default_rng(derive(seed, "bootstrap"))
    models, samples = mismatched.shape
    # Drawing rows and columns is drawing how often each of them comes; the mean of the drawn table is then a product.
    rows = rng.multinomial(models, np.full(models, 1 / models), size=draws) / models
    columns = rng.multinomial(samples, np.full(samples, 1 / samples), size=draws) / samples
    means = np.einsum("dm,ms,ds->d", rows, mismatched.astype(float), columns, optimize=True)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    # A sum of weights may miss 0 or 1 by a rounding error.
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))
