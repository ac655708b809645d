"""How well similarities separate copies from other models: the area under the ROC curve, over models.

Source of the interval: W. Hoeffding, "Probability Inequalities for Sums of Bounded Random Variables", Journal of the
American Statistical Association 58 (1963), theorem 1 and section 5b. The area is the mean over all pairs of a copy and
another model. Such a mean deviates no more than that of as many independent pairs as the smaller group has models, and
this bound holds for any distribution.

A bootstrap would say "1 to 1" wherever ten copies are above ten others. Here it says "0.69 to 1": with ten models that
is all that is known.
"""

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score

from modelprint.intervals import LEVEL
from modelprint.ownership.decision import check_similarities


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Similarities of copies and of other models, one for each model.

    Attributes:
        copies: Of models extracted or derived from the victim.
        others: Of models that are none of its copies.
    """

    copies: tuple[float, ...]
    others: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("copies", "others"):
            check_similarities(getattr(self, name), name)

    @property
    def auc(self) -> float:
        """Probability that a copy is more similar than another model, ties counting half, 0..1."""
        truth = [1] * len(self.copies) + [0] * len(self.others)
        return float(roc_auc_score(truth, [*self.copies, *self.others]))

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the area, for other models drawn as these were, independently of each other."""
        return area_interval(self.auc, min(len(self.copies), len(self.others)))

    @property
    def gap(self) -> float:
        """Mean similarity of the copies minus that of the others."""
        return sum(self.copies) / len(self.copies) - sum(self.others) / len(self.others)

    @property
    def margin(self) -> float:
        """Smallest similarity of a copy minus the largest of another model; above 0 where all are separated."""
        return min(self.copies) - max(self.others)

    def summary(self) -> str:
        """Return the area, its interval and the means as one line."""
        low, high = self.interval
        means = (sum(values) / len(values) for values in (self.copies, self.others))
        return (
            f"AUC {self.auc:.3f} ({low:.3f} to {high:.3f}); mean similarity "
            + " and ".join(f"{mean:.3f}" for mean in means)
            + f" ({len(self.copies)} copies and {len(self.others)} others)"
        )


def area_interval(area: float, pairs: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the two-sided interval of an area that is at least as certain as one from `pairs` independent pairs.

    Raises:
        ValueError: The area or the level is no probability, or there is no pair.
    """
    if not 0 <= area <= 1 or pairs < 1:
        raise ValueError(f"an area is 0 to 1 and comes from at least one pair, got {area} from {pairs}")
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, got {level}")
    bound = math.log(2 / (1 - level)) / pairs

    def excess(truth: float) -> float:
        return _divergence(area, truth) - bound

    def distance(rest: float) -> float:
        return excess(1 - rest)

    # Next to an end, with few pairs, nothing short of the end itself is too far.
    low = 0.0 if area == 0 or excess(1e-300) <= 0 else float(brentq(excess, 1e-300, area))
    high = 1.0 if area == 1 or distance(1e-16) <= 0 else 1 - float(brentq(distance, 1e-16, 1 - area))
    return low, high


def _divergence(seen: float, truth: float) -> float:
    """Return the Kullback-Leibler divergence of two coins, in nats."""
    parts = ((seen, truth), (1 - seen, 1 - truth))
    return sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)
