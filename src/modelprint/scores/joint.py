"""A joint test over samples, which sees changes below the floor of a single score. Needs no torch.

The statistic is the mean over samples of the squared deviations, in floors. Under honest serving it is compared with
the noisiest way of serving that was measured when the file was sealed: samples are drawn from its squared deviations,
and the largest mean with probability `alpha` is the bound. As for a single score, a server may be three times as noisy
as anything that was measured, so the bound is multiplied by nine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 20_000
"""How many means are drawn; the bound for an alpha below a few of them is their largest."""
SEED = 0


@dataclass(frozen=True, kw_only=True)
class JointResult:
    """What the squared deviations of all samples amount to.

    Attributes:
        root: Root of their mean, in floors.
        bound: Largest root that honest serving comes to.
        count: Number of samples.
    """

    root: float
    bound: float
    count: int

    @property
    def exceeded(self) -> bool:
        """Whether honest serving does not come to this."""
        return self.root > self.bound


def compare_jointly(
    squares: Sequence[float], null: Sequence[float], *, alpha: float, multiple: float
) -> JointResult | None:
    """Compare the squared deviations of all samples with those of honest serving; None without any.

    Args:
        squares: Mean squared deviation of each sample, in floors squared.
        null: The same of each sample in the noisiest way of serving.
        alpha: Largest probability of exceeding the bound with the noise that was measured.
        multiple: How many times as noisy as measured honest serving may be.
    """
    if not squares or not null:
        return None
    bound = multiple * float(np.sqrt(null_mean(tuple(null), len(squares), alpha)))
    return JointResult(root=float(np.sqrt(np.mean(squares))), bound=bound, count=len(squares))


def null_mean(null: tuple[float, ...], count: int, alpha: float) -> float:
    """Return the mean of `count` draws from `null` that is exceeded with probability `alpha`."""
    means = np.random.default_rng(SEED).choice(np.array(null), (DRAWS, count)).mean(1)
    return float(np.quantile(means, 1 - alpha, method="higher"))
